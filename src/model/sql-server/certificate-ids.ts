/** Names by which workflows and schedules around certificates are found. */

export const ROTATION_WORKFLOW = 'certificateRotation';
export const CERTIFICATE_CHECK_WORKFLOW = 'certificateCheck';

/**
 * One rotation at a time on one server: its endpoint has one certificate.
 * @param server name of the SQL Server in the inventory
 */
export const rotationWorkflowId = (server: string): string => `sqlferry-certificate-of-${server}`;

export const CERTIFICATE_SCHEDULE_PREFIX = 'sqlferry-certificates-';

/** @param migration name of the migration whose certificates are looked at */
export const certificateScheduleId = (migration: string): string =>
  `${CERTIFICATE_SCHEDULE_PREFIX}${migration}`;
