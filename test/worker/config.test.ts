/** Which task queues a worker serves, and with how many slots. */
import { BadWorkerConfig, servedQueues, workerConfig } from '../../src/worker/config';

test('by default both task queues, with room for more watches than the 2,000 links of a worker', () => {
  const config = workerConfig({});
  expect(servedQueues(config)).toEqual(['sqlferry', 'sqlferry-watches']);
  expect(config.maxConcurrentActivities).toBe(500);
  expect(config.maxConcurrentWatches).toBeGreaterThan(2 * 2_000);
});

test.each([
  ['all', ['q', 'q-watches']],
  ['steps', ['q']],
  ['watches', ['q-watches']],
])('SQLFERRY_SERVE=%s', (serve, queues) => {
  expect(servedQueues(workerConfig({ SQLFERRY_SERVE: serve, SQLFERRY_TASK_QUEUE: 'q' }))).toEqual(queues);
});

test('slots of watches are a setting of their own', () => {
  const config = workerConfig({ SQLFERRY_MAX_WATCHES: '7', SQLFERRY_MAX_ACTIVITIES: '3' });
  expect([config.maxConcurrentWatches, config.maxConcurrentActivities]).toEqual([7, 3]);
  expect(() => workerConfig({ SQLFERRY_MAX_WATCHES: '0' })).toThrow(/SQLFERRY_MAX_WATCHES="0" must be/);
});

test('what a worker cannot serve is refused by name, with what it can', () => {
  expect(() => workerConfig({ SQLFERRY_SERVE: 'guards' })).toThrow(BadWorkerConfig);
  expect(() => workerConfig({ SQLFERRY_SERVE: 'guards' })).toThrow(
    'SQLFERRY_SERVE="guards" must be one of all, steps, watches',
  );
});
