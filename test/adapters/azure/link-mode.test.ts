import { decodeLink } from '../../../src/adapters/azure/decode';

const link = (properties: Record<string, unknown>) =>
  decodeLink({ properties }, 'DAG', '2027-03-01T10:00:00.000Z').isMultiDatabase;
const one = [{ databaseName: 'Sales' }];

test.each([
  ['MultiDatabase, however it is written', { linkMode: 'multiDatabase', databases: one }, true],
  ['several databases, as an older api-version shows such a link', { databases: [...one, ...one] }, true],
  ['SingleDatabase', { linkMode: 'SingleDatabase', databases: one }, undefined],
  ['no mode at all', { databases: one }, undefined],
  ['a mode that nobody knows yet', { linkMode: 'Other', databases: one }, undefined],
  ['nothing', {}, undefined],
])('%s', (_what, properties, expected) => {
  expect(link(properties)).toBe(expected);
});
