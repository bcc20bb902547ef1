// The face of @errata/webhooks: signing a message and handing it to an address that may be sent to.
export * from './addresses.ts';
export * from './send.ts';
