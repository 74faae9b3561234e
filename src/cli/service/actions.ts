/** What `dat service` can do. */
export const SERVICE_ACTIONS = ['install', 'list', 'remove'] as const
export type ServiceAction = (typeof SERVICE_ACTIONS)[number]
