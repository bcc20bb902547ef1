// Protocols are named in the contracts: the service carries them out as well.
export {
  checkpointsOf,
  type Protocol,
  type ProtocolInput,
  type ProtocolKind,
  protocolSchema,
} from '@errata/contracts';
