import { closeServer, type Stage, startStage } from '../support/scenario';

afterAll(closeServer);

describe('a database crosses', () => {
  let stage: Stage;

  beforeAll(async () => {
    stage = await startStage();
  });
  afterAll(() => stage.close());

  test('from SQL Server 2022 to a managed instance, on a real Temporal server', async () => {
    await stage.startWorker();
    await stage.migrations.start(stage.spec());
    const result = await stage.migrations.result('sales');
    expect(result.outcome).toBe('completed');
  }, 120_000);
});
