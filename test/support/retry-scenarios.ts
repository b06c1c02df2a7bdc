/**
 * Scenarios are whole systems of real processes and sockets, three files at a time: a machine that is busy just then can
 * make one miss a wait of 30 seconds. It is begun once more then, and what failed first is printed. All other tests
 * have one try.
 */
const { testPath } = expect.getState();
if (testPath?.includes('/test/scenarios/')) jest.retryTimes(1, { logErrorsBeforeRetry: true });
