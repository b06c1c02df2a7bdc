/** The creation of a link that Azure gives up. */
import type { ActivityOptions } from '@temporalio/workflow';
import type { Polling } from '../../model/run/settings';
import { watch } from '../run/activity-policies';

/** Codes with which Azure ends the creation of a link that the SQL Server did not join in time (41962, 41976, 41986). */
export const AZURE_GAVE_UP: readonly string[] = ['LinkNotEstablished', 'ServerSilent', 'PartnerGroupSilent'];

/** As `watch`, for a creation that must not be sent again by itself once Azure gave it up. */
export const untilAzureGivesUp = (polling: Polling): ActivityOptions => {
  const options = watch(polling);
  return { ...options, retry: { ...options.retry, nonRetryableErrorTypes: [...AZURE_GAVE_UP] } };
};
