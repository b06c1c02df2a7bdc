/** How the applications are kept out of a SQL Server or a managed instance while roles swap. */
import { z } from 'zod';
import { sysnameSchema } from '../inventory';

export const fenceSchema = z
  .strictObject({
    disableLogins: z
      .array(sysnameSchema)
      .default([])
      .describe('Logins of the applications; disabled on the SQL Server at cutover, their sessions ended'),
  })
  .prefault({});
