// Protocols are named in the contracts: the service carries them out as well.
export {
  checkpointsOf,
  defaultCheckpoints,
  type Protocol,
  type ProtocolInput,
  type ProtocolKind,
  protocolKinds,
  protocolSchema,
} from '@errata/contracts';
