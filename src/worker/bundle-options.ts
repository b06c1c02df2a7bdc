import { join } from 'node:path';
import type { BundleOptions } from '@temporalio/worker';

/** What `npm run build` gives the bundler of the workflows (scripts/lib/bundle.cjs). */
export const bundleOptions: Pick<BundleOptions, 'payloadConverterPath'> = {
  payloadConverterPath: join(__dirname, '..', 'workflows', 'run', 'payload-converter.js'),
};
