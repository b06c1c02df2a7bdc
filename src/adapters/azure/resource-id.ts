/** A managed instance by its ARM resource id. */
export interface InstanceResource {
  readonly resourceId: string;
  readonly subscriptionId: string;
  readonly resourceGroupName: string;
  readonly managedInstanceName: string;
}

const FORM =
  /^\/subscriptions\/([^/]+)\/resourceGroups\/([^/]+)\/providers\/Microsoft\.Sql\/managedInstances\/([^/]+)$/i;

/** @throws Error when the text is no resource id of a managed instance. */
export function parseInstanceResource(resourceId: string): InstanceResource {
  const [, subscriptionId, resourceGroupName, managedInstanceName] = FORM.exec(resourceId) ?? [];
  if (subscriptionId === undefined || resourceGroupName === undefined || managedInstanceName === undefined)
    throw new Error(`"${resourceId}" is no resource id of a managed instance`);
  return { resourceId, subscriptionId, resourceGroupName, managedInstanceName };
}

/** Resource ids name the same resource whatever their case (ARM). */
export const sameResource = (a: string, b: string): boolean => a.toLowerCase() === b.toLowerCase();
