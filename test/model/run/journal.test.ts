import { type JournalEffect, onReplica } from '../../../src/model/run/journal';

describe('the effect of a step that is about one replica', () => {
  const hasReplicas = (site: string): boolean => site === 'west';
  const effect = (on: string): JournalEffect => ({ kind: 'tsql', on, display: 'SELECT 1' });
  const told = (on: string, server?: string): string | undefined =>
    onReplica(effect(on), server, hasReplicas).server;

  test('is told of that replica at the site that has replicas', () => {
    expect(told('west', 'sql-02')).toBe('sql-02');
  });

  test.each(['east', 'azure'])('is not told of it at %s', (on) => {
    expect(told(on, 'sql-02')).toBeUndefined();
  });

  test('is told of none where the step is about the site', () => {
    expect(told('west')).toBeUndefined();
  });
});
