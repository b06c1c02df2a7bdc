import { otherLinks } from '../../../src/rules/link/other-links';
import { groupsTo } from '../../../src/rules/sql-server/distributed-groups';
import { FQDN, ownGroups } from './facts';

const names = { distributedGroup: 'DAG_Orders', availabilityGroup: 'AG_Orders' };
const [, own] = ownGroups;
if (own === undefined) throw new Error('fixture');
const elsewhere = {
  ...own,
  name: 'DAG_Orders_2',
  replicas: own.replicas.map((replica) => ({
    ...replica,
    endpointUrl: replica.endpointUrl.replace(FQDN, 'mi-02.x.database.windows.net'),
  })),
};

test('the other links of a group are told from its own, and from those of other groups', () => {
  expect(otherLinks(ownGroups, names)).toEqual([]);
  expect(otherLinks([...ownGroups, elsewhere], { ...names, distributedGroup: 'dag_orders' })).toEqual([
    'DAG_Orders_2',
  ]);
  expect(otherLinks([...ownGroups, elsewhere], { ...names, availabilityGroup: 'AG_Stock' })).toEqual([]);
});

test('links to an instance are those whose listener lies there', () => {
  expect(groupsTo([...ownGroups, elsewhere], FQDN.toUpperCase())).toEqual(['DAG_Orders']);
  expect(groupsTo([...ownGroups, elsewhere], 'mi-02.x.database.windows.net')).toEqual(['DAG_Orders_2']);
  expect(groupsTo([...ownGroups, elsewhere], 'i-01.a1b2c3.database.windows.net')).toEqual([]);
});
