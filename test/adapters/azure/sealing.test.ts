import fc from 'fast-check';
import { randomStateKey, seal, stateKeyFrom, unseal } from '../../../src/adapters/azure/sealing';
import type { SealedOperation } from '../../../src/ports/managed-instance';

const OWNER = '/subscriptions/s/resourceGroups/g/providers/Microsoft.Sql/managedInstances/mi';
const key = stateKeyFrom('shared secret');
const state = fc.record({
  mode: fc.constantFrom('status' as const, 'location' as const),
  url: fc.webUrl({ withQueryParameters: true }),
  operation: fc.string(),
});

describe('the state of an operation', () => {
  test('comes back as it was, under the same key and owner in any case', () => {
    fc.assert(
      fc.property(state, (one) => {
        expect(unseal(seal(one, key, OWNER), [key], OWNER.toUpperCase())).toEqual({ opened: one });
      }),
    );
  });

  test('shows nothing of itself, and is never the same twice', () => {
    const one = { mode: 'status', url: 'https://x/y?s=signature', operation: 'put-link' } as const;
    const sealed = seal(one, key, OWNER);
    expect(sealed).toMatch(/^v1\.[0-9a-f]{8}\.[\w-]+$/);
    expect(Buffer.from(sealed.split('.')[2] ?? '', 'base64url').toString('latin1')).not.toContain(
      'signature',
    );
    expect(seal(one, key, OWNER)).not.toBe(sealed);
  });

  test('opens for nobody else: another key, another owner, any changed bit', () => {
    fc.assert(
      fc.property(state, fc.nat(), fc.integer({ min: 0, max: 7 }), (one, position, bit) => {
        const sealed = seal(one, key, OWNER);
        expect(unseal(sealed, [randomStateKey()], OWNER).opened).toBeUndefined();
        expect(unseal(sealed, [key], `${OWNER}2`).opened).toBeUndefined();
        const [version, id, body = ''] = sealed.split('.');
        const bytes = Buffer.from(body, 'base64url');
        const at = position % bytes.length;
        bytes[at] = (bytes[at] ?? 0) ^ (1 << bit);
        const changed = `${version}.${id}.${bytes.toString('base64url')}` as SealedOperation;
        expect(unseal(changed, [key], OWNER).opened).toBeUndefined();
      }),
    );
  });

  test('any text is answered, never thrown at', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.string().map((text) => `v1.${key.id}.${text}`),
        ),
        (text) => {
          const answer = unseal(text as SealedOperation, [key], OWNER);
          expect(answer).toMatchObject({
            opened: undefined,
            reason: expect.stringContaining('cannot be opened'),
          });
        },
      ),
    );
  });

  test('a key is the same for the same secret, and its id does not give it away', () => {
    expect(stateKeyFrom('shared secret')).toEqual(key);
    expect(stateKeyFrom('another').id).not.toBe(key.id);
    expect(key.bytes.toString('hex')).not.toContain(key.id);
  });
});
