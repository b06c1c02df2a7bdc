/** A word that is none of a closed set is an error wherever something is chosen by it. */
import { readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { byWord } from '../../src/model/by-word';
import type { CutoverRoute } from '../../src/model/link/facts';
import { cutoverPlan, LINK_PROCEDURE, linkProcedure, repairOfUsers } from '../../src/model/link/procedure';
import { type LinkSite, otherSite, siteName, siteOption } from '../../src/model/link/side';
import { type Change, changeSteps, type FailoverType } from '../../src/model/run/procedure';
import { jobSwitch } from '../../src/model/sql-server/instance-object-steps';
import { linkSpec } from '../support/link-spec';

const SPEC = linkSpec();
const stepsOf = (change: Change) => changeSteps(LINK_PROCEDURE, SPEC, change);
const failoverOf = (type: FailoverType, to: LinkSite) => LINK_PROCEDURE.failover(SPEC, type, to);

/** Data from outside: what the types say of it was never looked at. */
const unchecked = <T>(word: string): T => word as unknown as T;
const NO_SIDES = ['target', 'source', 'Source', '', 'toString', '__proto__'].map(unchecked<LinkSite>);
const NO_TYPES = ['Planned', 'FORCED', '', 'constructor'].map(unchecked<FailoverType>);

test.each(NO_SIDES)('no procedure takes "%s" for a side', (side) => {
  for (const choose of [
    () => otherSite(side),
    () => siteName(side),
    () => siteOption(side),
    () => failoverOf('planned', side),
    () => failoverOf('forced', side),
    () => LINK_PROCEDURE.repair(SPEC, side),
    () => repairOfUsers(side),
    () => stepsOf({ kind: 'drill', from: 'instance', to: side }),
    () => stepsOf({ kind: 'repair', survivor: side }),
  ]) {
    expect(choose).toThrow(RangeError);
  }
});

test.each(NO_TYPES)('no procedure takes "%s" for a type of failover', (type) => {
  expect(() => failoverOf(type, 'instance')).toThrow('type of a failover');
  expect(() => stepsOf({ kind: 'failover', type, to: 'instance' })).toThrow(RangeError);
  const site = { id: 'instance', label: 'instance' };
  expect(() => jobSwitch(site, site, type)).toThrow(RangeError);
});

test('no procedure takes an unknown change, route or end for one that it knows', () => {
  expect(() => stepsOf(unchecked('removal'))).toThrow(RangeError);
  expect(() => cutoverPlan(unchecked<CutoverRoute>('Delete-Link'))).toThrow(RangeError);
  expect(() => linkProcedure(unchecked<CutoverRoute>('Delete-Link'), 'keep-link')).toThrow(RangeError);
  expect(() => linkProcedure('planned-failover', unchecked<'keep-link'>('Keep-Link'))).toThrow(RangeError);
});

test('the message names the word, on one line, and those that there are', () => {
  const words: Record<string, number> = { server: 1, instance: 2 };
  expect(() => byWord('side', `a\n${'x'.repeat(500)}`, words)).toThrow(
    /^side: "a\\nx{60,80}… is none of server, instance$/,
  );
});

/** `side === 'server' ? a : b` takes everything else for the other side. */
const SILENT_DEFAULT = /=== '(?:server|instance|planned|forced)'\s*\?(?!\?)/g;

test('nothing in the product chooses by a side or a type with a silent default', () => {
  const src = join(__dirname, '../../src');
  const files = readdirSync(src, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith('.ts'))
    .map((entry) => join(entry.parentPath, entry.name))
    .filter((file) => !relative(src, file).startsWith('estate'));
  const found = files.flatMap((file) => {
    const text = readFileSync(file, 'utf8');
    return [...text.matchAll(SILENT_DEFAULT)].map(
      ({ index }) => `${relative(src, file)}:${text.slice(0, index).split('\n').length}`,
    );
  });
  expect(found).toEqual([]);
});
