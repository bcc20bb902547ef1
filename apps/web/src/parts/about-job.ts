// A job in a few words: what it is to do, from what it was asked for.
import type { JobResource } from '@errata/contracts';
import { shortVersion } from './version-id.tsx';

const said = (value: unknown): string => (typeof value === 'string' ? value : '');
const counted = (value: unknown, one: string, many: string): string =>
  typeof value === 'number' ? `${value} ${value === 1 ? one : many}` : many;

const evaluationOf = (editor: unknown): string =>
  typeof editor === 'object' && editor !== null && 'name' in editor
    ? `evaluation of ${said(editor.name)}`
    : 'evaluation';

export function aboutJob({ kind, input, trial }: JobResource): string {
  switch (kind) {
    case 'edit':
      return `${trial ? 'try ' : ''}${counted(input.edits, 'edit', 'edits')} by ${said(input.editor)}`;
    case 'rollback':
      return input.mode === 'reset'
        ? `reset to ${shortVersion(said(input.to_version))}`
        : `revert, ${said(input.mode)}`;
    case 'import':
      return `import ${said(input.name)}`;
    case 'artefact':
      return `build ${said(input.kind).replaceAll('_', ' ')}`;
    case 'evaluation':
      return evaluationOf(input.editor);
    case 'evaluation_shard':
      return 'part of an evaluation';
    case 'bisect':
      return 'bisect: which move broke an answer';
    case 'blame':
      return `blame: ${said(input.prompt)}`;
    case 'comparison':
      return 'comparison of two evaluations';
    case 'check':
      return 'check of everything stored';
    case 'collection':
      return input.dry_run === false ? 'collection of unnamed blobs' : 'collection of unnamed blobs, dry run';
  }
}
