import { join } from 'node:path';
import type { BundleOptions } from '@temporalio/worker';

const workflows = join(__dirname, '..', 'workflows');

/** What `npm run build` gives the bundler of the workflows (scripts/lib/bundle.cjs). */
export const bundleOptions: Pick<BundleOptions, 'payloadConverterPath' | 'preloadModules'> = {
  payloadConverterPath: join(workflows, 'run', 'payload-converter.js'),
  // Once for the worker, not for each workflow that it begins: people wait while a failover and its slot begin. All
  // workflows share these modules, frozen, so none may keep the state of a run outside of its functions.
  preloadModules: [join(workflows, 'index.js')],
};
