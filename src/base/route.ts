/** How the bytes travel to a peer. */
export type Route = 'direct' | 'lan' | 'tcp' | 'relay'
