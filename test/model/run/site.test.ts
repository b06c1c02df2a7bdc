/** Sites, and the ids of steps that begin with theirs. */
import { siteOfStep } from '../../../src/model/run/site';

const site = (id: string) => ({ id, name: id, label: id, option: id });
const SITES = ['eu', 'eu.west', 'us-east', 'left'].map(site);

test.each([
  ['eu.fence', 'eu'],
  ['eu.west.fence', 'eu.west'],
  ['us-east.fence', 'us-east'],
  ['left.fence.twice', 'left'],
])('the step %s is one of the site %s', (stepId, id) => {
  expect(siteOfStep(SITES, stepId).id).toBe(id);
});

test.each(['right.fence', 'leftfence', 'fence', ''])('no site has a step %j', (stepId) => {
  expect(() => siteOfStep(SITES, stepId)).toThrow(RangeError);
});
