import { X509Certificate } from 'node:crypto';
import {
  createTable,
  fqdn,
  insertRow,
  link,
  linked,
  linkRequest,
  MI,
  newWorld,
  refusedWith,
  rows,
  SQL,
  seeded,
  trust,
} from './story';

describe('a database crosses', () => {
  it('connects, seeds, replicates and fails over without loss', async () => {
    const world = newWorld();
    await world.databases.commit(SQL, 'Sales', [createTable, insertRow(1)]);
    await linked(world);
    expect(link(world).connection.state).toBe('CONNECTED');
    expect(world.timeline.all().find((one) => one.kind === 'link-create')?.status).toBe('Succeeded');
    expect(link(world).seeded).toBe(false);
    await world.databases.commit(SQL, 'Sales', [insertRow(2)]);
    await seeded(world);
    expect(link(world).state).toBe('LinkSynchronizing');
    expect(rows(world, MI)).toEqual([1, 2]);
    await world.databases.commit(SQL, 'Sales', [insertRow(3)]);
    expect(rows(world, MI)).toEqual([1, 2]);
    await world.clock.advance(1_000);
    expect(rows(world, MI)).toEqual([1, 2, 3]);
    const failover = world.groups.failover(SQL, 'DAG_Sales');
    await world.clock.advance(60_000);
    await failover;
    expect(await refusedWith(() => world.databases.commit(SQL, 'Sales', [insertRow(4)]))).toEqual([976]);
    await world.databases.commit(MI, 'Sales', [insertRow(5)]);
    expect(rows(world, MI)).toEqual([1, 2, 3, 5]);
    expect(link(world)).toMatchObject({
      instanceLinkRole: 'Primary',
      partnerLinkRole: 'Secondary',
      replicationMode: 'Async',
    });
    await world.clock.advance(1_000);
    const progress = world.links.replication(MI, 'DAG_Sales');
    expect(progress).toMatchObject({ source: MI, target: SQL, running: true, lagSeconds: 0 });
    expect(progress?.redoneLsn).toBe(progress?.endOfLogLsn);
  });

  it('makes certificates that other tools read', async () => {
    const world = newWorld();
    await trust(world);
    const own = new X509Certificate(
      Buffer.from(world.instances.get(SQL).certificates.get('cert_sql1_endpoint')?.der ?? []),
    );
    expect(own.subject).toBe('CN=Certificate of SQL1');
    const managed = world.instances.get(SQL).certificates.get(fqdn(world).toLowerCase());
    expect(managed?.issuer).toContain('Microsoft Corporation');
    expect(() => world.certificates.validateChain(SQL, managed?.certificateId ?? 0)).not.toThrow();
  });

  it('answers PUT of the same link again without effect', async () => {
    const world = newWorld();
    await linked(world);
    const again = world.links.put(MI, linkRequest());
    expect(again.effective).toBe(false);
    expect(again.operation.status).toBe('Succeeded');
    expect(world.links.all()).toHaveLength(1);
  });
});
