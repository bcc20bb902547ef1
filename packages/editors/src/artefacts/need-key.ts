// The name of a need: what two needs have in common that are one.
import { type ArtefactNeed, canonicalJson } from '@errata/contracts';

export const needKey = ({ kind, scope, parameters }: ArtefactNeed): string => canonicalJson([kind, scope, parameters]);
