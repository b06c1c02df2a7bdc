/** Several links of one database, and links of several databases: what a step leaves alone. */

import { LINK_STEPS } from '../../../src/activities/link/steps/registry';
import type { AzureLinkFacts } from '../../../src/model/link/azure-link';
import type { LinkStepId } from '../../../src/model/link/step';
import { toInstance } from '../../support/group-spec';
import { type EstateStage, startEstateStage } from '../../support/scenario';
import { StepBench } from '../../support/step-bench';

const TRUST: readonly LinkStepId[] = [
  'server.master-key',
  'server.endpoint-certificate',
  'instance.trust-server-certificate',
  'server.trust-instance-certificate',
  'server.trust-azure-authorities',
  'server.mirroring-endpoint',
];

describe('two links over a group that the first run made', () => {
  let stage: EstateStage;
  let first: StepBench;
  let second: StepBench;
  let madeGroup: unknown;

  beforeAll(async () => {
    stage = await startEstateStage({
      estate: {
        clock: { speed: 2_000 },
        instances: [
          { kind: 'sql-server', name: 'SQL1', databases: [{ name: 'Sales' }] },
          { kind: 'managed-instance', name: 'mi-west' },
          { kind: 'managed-instance', name: 'mi-east' },
        ],
      },
    });
    first = await StepBench.open(stage, stage.spec());
    second = await StepBench.open(stage, toInstance(stage.spec(), stage.estate, 'mi-east'));
    for (const id of TRUST) await first.run(id);
    madeGroup = (await first.look('server.availability-group')).before;
    for (const id of ['server.availability-group', 'server.distributed-availability-group'] as const)
      await first.run(id);
    for (const id of [...TRUST, 'server.distributed-availability-group'] as const) await second.run(id);
  });
  afterAll(async () => {
    await first.close();
    await second.close();
    await stage.close();
  });

  test('the end of the first link leaves the group to the second', async () => {
    expect(await first.run('server.drop-distributed-availability-group')).toMatchObject({ outcome: 'done' });
    expect(await first.run('server.drop-availability-group')).toMatchObject({
      outcome: 'already-done',
      evidence: 'AG_Sales stays: DAG_Sales_mi-east uses it',
    });
    expect([...stage.estate.world.instances.get('SQL1').groups.keys()].sort()).toEqual([
      'ag_sales',
      'dag_sales_mi-east',
    ]);
  });

  test('so does an abort, which says so', async () => {
    await expect(first.undo('server.availability-group', madeGroup)).rejects.toMatchObject({
      code: 'AvailabilityGroupInUse',
      message: 'AG_Sales stays for DAG_Sales_mi-east',
    });
  });

  test('what only the first instance needs is given back; what both need is not', async () => {
    const without = { fqdn: stage.estate.instance('mi-west').fqdn, instanceKey: '00', importedKey: null };
    expect(await first.undo('server.trust-instance-certificate', without)).toHaveLength(1);
    const endpoint = { certificateName: 'Cert_SQL1_endpoint', endpoint: null };
    await expect(first.undo('server.mirroring-endpoint', endpoint)).rejects.toMatchObject({
      code: 'TrustInUse',
    });
    const other = { ...without, fqdn: stage.estate.instance('mi-east').fqdn };
    await expect(second.undo('server.trust-instance-certificate', other)).rejects.toMatchObject({
      code: 'TrustInUse',
      message: 'it stays for DAG_Sales_mi-east',
    });
  });

  test.each([
    'instance.link',
    'instance.link-from-instance',
    'instance.remove-link',
    'instance.delete-link-to-cut-over',
  ] as const)('%s does not touch a link of several databases', async (stepId) => {
    const found = { name: 'DAG_Sales', isMultiDatabase: true, database: null } as AzureLinkFacts;
    const { ports, spec } = first;
    const context = {
      ports: {
        ...ports,
        azure: {
          ...ports.azure,
          readLink: async () => found,
          readInstance: () => ports.azure.readInstance(),
        },
      },
      spec,
      clock: { now: () => 0, sleep: async () => undefined },
      signal: new AbortController().signal,
      secret: async () => '',
    };
    await expect(LINK_STEPS[stepId].look(context as never)).rejects.toMatchObject({
      code: 'LinkOfSeveralDatabases',
    });
  });
});
