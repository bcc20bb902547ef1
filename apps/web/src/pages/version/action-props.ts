// What each of the sheets over a version is about.
import type { VersionResource } from '@errata/contracts';

export interface ActionProps {
  readonly version: VersionResource;
  readonly model: string;
  readonly branch: string;
  /** Of the branch, as it was seen. */
  readonly head: string;
  readonly onClose: () => void;
}
