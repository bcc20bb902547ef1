// Versions: immutable model states, what they are made of, where they come from and how two of them differ.
import {
  type DeltaReference,
  type EditMention,
  ErrataError,
  pageSchema,
  type VersionDiff,
  type VersionResource,
  versionDiffSchema,
  versionSchema,
} from '@errata/contracts';
import {
  editsById,
  getModel,
  getVersion,
  type Lineage,
  listVersions,
  type StoredVersion,
  versionLineage,
} from '@errata/lineage';
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import type { ApiParts } from '../parts.ts';
import { pageQuery, params, shown } from './common.ts';

const tags = ['versions'];
const access = 'models:read';

export const versionRoutes =
  ({ lineage }: ApiParts): FastifyPluginAsyncZod =>
  async (app) => {
    app.get(
      '/v1/models/:model/versions',
      {
        config: { access },
        schema: {
          tags,
          summary: 'List the versions of a model, newest first',
          params: params('model'),
          querystring: pageQuery,
          response: { 200: pageSchema(versionSchema) },
        },
      },
      async ({ params: { model }, query }) => {
        const { resource } = await getModel(lineage, model);
        return shown(await listVersions(lineage, resource.id, query));
      },
    );

    app.get(
      '/v1/versions/:version',
      {
        config: { access },
        schema: {
          tags,
          summary: 'A version with its manifest, by id or by a prefix that no other has',
          params: params('version'),
          response: { 200: versionSchema },
        },
      },
      async ({ params: { version } }) => (await getVersion(lineage, version)).resource,
    );

    app.get(
      '/v1/versions/:version/lineage',
      {
        config: { access },
        schema: {
          tags,
          summary: 'The version and those it was made from, newest first, down to the imported model',
          params: params('version'),
          querystring: pageQuery,
          response: { 200: pageSchema(versionSchema) },
        },
      },
      async ({ params: { version }, query: { after, limit } }) => {
        const { resource } = await getVersion(lineage, version);
        const start = after === undefined ? resource : await parentOf(lineage, after, resource.model_id);
        const line: readonly VersionResource[] = start === null ? [] : await versionLineage(lineage, start, limit + 1);
        const data = line.slice(0, limit);
        const has_more = line.length > limit;
        return { data, has_more, next_cursor: has_more ? data.at(-1)!.id : null };
      },
    );

    app.get(
      '/v1/versions/:version/diff/:other',
      {
        config: { access },
        schema: {
          tags,
          summary: 'The deltas, with their edits, that the other version adds and lacks',
          params: params('version', 'other'),
          response: { 200: versionDiffSchema },
        },
      },
      async ({ params: { version, other } }) => {
        const from = await getVersion(lineage, version);
        const to = await getVersion(lineage, other, from.resource.model_id).catch(() => getVersion(lineage, other));
        if (from.resource.manifest.model !== to.resource.manifest.model) {
          throw new ErrataError('invalid_request', 'these are versions of two different models', {
            details: { models: [from.resource.model_id, to.resource.model_id] },
          });
        }
        return diffVersions(lineage, from, to);
      },
    );
  };

async function parentOf(db: Lineage, version: string, modelId: string): Promise<VersionResource | null> {
  const { resource } = await getVersion(db, version, modelId);
  return resource.parent_id === null ? null : (await getVersion(db, resource.parent_id, modelId)).resource;
}

interface DeltaWithEdits {
  readonly delta: DeltaReference;
  readonly edits: readonly string[];
}

const deltasOf = ({ contributions }: StoredVersion): readonly DeltaWithEdits[] =>
  contributions.flatMap(({ deltas, edit_ids }) => deltas.map((delta) => ({ delta, edits: edit_ids })));

/** What of `ours` is not among `theirs`; a delta that is installed twice counts twice. */
function missingFrom(theirs: readonly DeltaWithEdits[], ours: readonly DeltaWithEdits[]): readonly DeltaWithEdits[] {
  const counts = new Map<string, number>();
  for (const { delta } of theirs) counts.set(delta.blob, (counts.get(delta.blob) ?? 0) + 1);
  return ours.filter(({ delta }) => {
    const left = counts.get(delta.blob) ?? 0;
    counts.set(delta.blob, left - 1);
    return left <= 0;
  });
}

async function diffVersions(db: Lineage, from: StoredVersion, to: StoredVersion): Promise<VersionDiff> {
  const [before, after] = [deltasOf(from), deltasOf(to)];
  const [added, removed] = [missingFrom(before, after), missingFrom(after, before)];
  const stored = await editsById(db, [...new Set([...added, ...removed].flatMap(({ edits }) => edits))]);
  const mention = (id: string): EditMention => {
    const { custom_id, prompt, subject, target_new } = stored.get(id)!.edit;
    return { id, custom_id, prompt, subject, target_new };
  };
  const told = (items: readonly DeltaWithEdits[]) =>
    items.map(({ delta, edits }) => ({ delta: { kind: delta.kind, blob: delta.blob }, edits: edits.map(mention) }));
  return {
    object: 'version_diff',
    from: from.resource.id,
    to: to.resource.id,
    added: told(added),
    removed: told(removed),
  };
}
