// Versions: immutable model states, what they are made of, where they come from and how two of them differ.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import {
  type DeltaReference,
  type EditMention,
  ErrataError,
  exportFormNames,
  exportForms,
  exportReportName,
  exportSettingsSchema,
  pageSchema,
  retentionOf,
  retentionSchema,
  shownManifestSchema,
  type VersionDiff,
  type VersionResource,
  versionDiffSchema,
  versionSchema,
  weightsDiffSchema,
} from '@errata/contracts';
import {
  artefactsOfVersion,
  compareChains,
  deltasOf,
  editsById,
  forgetBrokenSnapshot,
  getModel,
  getVersion,
  type Lineage,
  type Link,
  lastRetention,
  listVersions,
  readManifest,
  type StoredModel,
  type StoredVersion,
  sourceAt,
  versionLineage,
} from '@errata/lineage';
import type { Snapshots } from '@errata/upkeep';
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { archiveOf } from '../formats/archive.ts';
import { shown } from '../http/answers.ts';
import type { ApiParts } from '../parts.ts';
import { modelReference } from '../requests/model-reference.ts';
import { pageQuery, params } from '../requests/parameters.ts';

const tags = ['versions'];
const access = 'models:read';

export const versionRoutes =
  ({ lineage, engine }: ApiParts, snapshots: Snapshots): FastifyPluginAsyncZod =>
  async (app) => {
    const bothOf = async (one: string, other: string) => {
      const from = await getVersion(lineage, one);
      const to = await getVersion(lineage, other, from.resource.model_id).catch(() => getVersion(lineage, other));
      const model = await requireSameModel(lineage, from.resource, to.resource);
      return { from, to, model };
    };

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
          summary: 'A version, by id or by a prefix that no other has',
          params: params('version'),
          response: { 200: versionSchema },
        },
      },
      async ({ params: { version } }) => (await getVersion(lineage, version)).resource,
    );

    app.get(
      '/v1/versions/:version/manifest',
      {
        config: { access },
        schema: {
          tags,
          summary:
            'Everything a version is made of: the model, its deltas in order, all of them, and the artefacts they were made with',
          params: params('version'),
          response: { 200: shownManifestSchema },
        },
      },
      async ({ params: { version } }) => ({
        ...(await readManifest(lineage, version)),
        artefacts: [...(await artefactsOfVersion(lineage, version))],
      }),
    );

    app.get(
      '/v1/versions/:version/export',
      {
        config: { access },
        schema: {
          tags,
          summary: 'The version in a form that other tools load, as a tar archive',
          description:
            `Forms: ${exportFormNames.map((form) => `\`${form}\`, ${exportForms[form].title}`).join('; ')}. ` +
            `Beside all but a checkpoint lies \`${exportReportName}\`, which says what the form lacks. ` +
            'What a form cannot hold is refused: memories beside the weights by `not_a_checkpoint`, anything else by `export_unsupported`.',
          params: params('version'),
          querystring: exportSettingsSchema,
          response: {
            200: {
              description: 'The archive',
              content: { 'application/x-tar': { schema: z.custom<Readable>((value) => value instanceof Readable) } },
            },
          },
        },
      },
      async ({ params: { version }, query: settings }, reply) => {
        const { resource, tip } = await getVersion(lineage, version);
        const model = await getModel(lineage, resource.model_id);
        const source = () =>
          settings.form === 'adapter'
            ? readManifest(lineage, resource.id, resource.model_id)
            : sourceAt(lineage, model.resource.digest, tip);
        const folder = await mkdtemp(join(tmpdir(), 'errata-export-'));
        const remove = () => rm(folder, { recursive: true, force: true });
        const into = join(folder, settings.form);
        const write = async () =>
          engine.call('exportVersion', {
            model: modelReference(model),
            version: await source(),
            settings,
            name: resource.id,
            base: elsewhere(model.resource),
            into,
          });
        try {
          const { files } = await write().catch(async (error) => {
            if (!(await forgetBrokenSnapshot(lineage, error))) throw error;
            return write();
          });
          return reply
            .type('application/x-tar')
            .header('errata-version', resource.id)
            .header('content-disposition', `attachment; filename="${resource.id}.tar"`)
            .send(archiveOf(into, files, () => void remove()));
        } catch (error) {
          await remove();
          throw error;
        }
      },
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
      '/v1/versions/:version/retention',
      {
        config: { access },
        schema: {
          tags,
          summary: 'How many of the edits that it has hold in it still, by when they were made',
          description:
            'As the last evaluation of it found whose suite is `applied`: `POST /v1/evaluations` asks anew. An edit holds where the answer, ' +
            'generated freely, is the one that was asked for.',
          params: params('version'),
          response: { 200: retentionSchema },
        },
      },
      async ({ params: { version } }) => {
        const { resource } = await getVersion(lineage, version);
        const found = await lastRetention(lineage, resource.model_id, resource.id);
        return {
          object: 'retention' as const,
          version_id: resource.id,
          evaluation: found === null ? null : { id: found.id, at: found.at.toISOString() },
          ...retentionOf(found?.edits ?? []),
        };
      },
    );

    app.get(
      '/v1/versions/:version/diff/:other',
      {
        config: { access },
        schema: {
          tags,
          summary: 'The deltas, with their edits, that the other version adds and lacks',
          description: 'Of each side the first `limit`, and the number of all.',
          params: params('version', 'other'),
          querystring: z.strictObject({ limit: z.coerce.number().int().min(1).max(1000).default(100) }),
          response: { 200: versionDiffSchema },
        },
      },
      async ({ params: { version, other }, query: { limit } }) => {
        const { from, to } = await bothOf(version, other);
        return diffVersions(lineage, from, to, limit);
      },
    );

    app.get(
      '/v1/versions/:version/diff/:other/weights',
      {
        config: { access },
        schema: {
          tags,
          summary: 'Norm and rank of what changed from one version to the other, by parameter',
          params: params('version', 'other'),
          response: { 200: weightsDiffSchema },
        },
      },
      async ({ params: { version, other } }) => {
        const { from, to, model } = await bothOf(version, other);
        const { digest } = model.resource;
        const { added, removed } = await compareChains(lineage, from.tip, to.tip);
        const compare = async () => {
          const sources = {
            from: await sourceAt(lineage, digest, from.tip),
            to: await sourceAt(lineage, digest, to.tip),
          };
          const steps = deltasOf([...added, ...removed]).length;
          const found = await engine.call('compareVersions', { model: modelReference(model), ...sources, steps });
          for (const opened of [sources.from, sources.to]) snapshots.opened(model, opened);
          return found;
        };
        const found = await compare().catch(async (error) => {
          if (!(await forgetBrokenSnapshot(lineage, error))) throw error;
          return compare();
        });
        const codebooks = found.memories.flatMap(({ kind, place, ...rows }) => {
          const [site = '', layer] = place.split(' ');
          return kind === 'codebook' ? [{ site, layer: Number(layer), ...rows }] : [];
        });
        return { object: 'weights_diff' as const, from: from.resource.id, to: to.resource.id, ...found, codebooks };
      },
    );
  };

/** What the imported model is called where an export of it is loaded: its name on the hub, or what it was imported from. */
const elsewhere = ({ origin, name }: StoredModel['resource']): string =>
  origin[0]?.reference.replace(/^hf:([^@]*).*$/, '$1') ?? name;

async function requireSameModel(db: Lineage, one: VersionResource, other: VersionResource): Promise<StoredModel> {
  const [first, second] = [await getModel(db, one.model_id), await getModel(db, other.model_id)];
  if (first.resource.digest === second.resource.digest) return first;
  throw new ErrataError('invalid_request', 'these are versions of two different models', {
    details: { models: [one.model_id, other.model_id] },
  });
}

async function parentOf(db: Lineage, version: string, modelId: string): Promise<VersionResource | null> {
  const { resource } = await getVersion(db, version, modelId);
  return resource.parent_id === null ? null : (await getVersion(db, resource.parent_id, modelId)).resource;
}

interface DeltaWithEdits {
  readonly delta: DeltaReference;
  readonly edits: readonly string[];
}

const attributed = (links: readonly Link[]): readonly DeltaWithEdits[] =>
  links.flatMap(({ deltas, edit_ids }) => deltas.map((delta) => ({ delta, edits: edit_ids })));

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

async function diffVersions(db: Lineage, from: StoredVersion, to: StoredVersion, limit: number): Promise<VersionDiff> {
  const links = await compareChains(db, from.tip, to.tip);
  const [before, after] = [attributed(links.removed), attributed(links.added)];
  // A rollback by subtraction keeps deltas under new links.
  const [added, removed] = [missingFrom(before, after), missingFrom(after, before)];
  const shownSides = [added, removed].map((side) => side.slice(0, limit));
  const stored = await editsById(db, [...new Set(shownSides.flat().flatMap(({ edits }) => edits))]);
  const mention = (id: string): EditMention => {
    const { custom_id, prompt, subject, target_new } = stored.get(id)!.edit;
    return { id, custom_id, prompt, subject: subject ?? null, target_new };
  };
  const told = (items: readonly DeltaWithEdits[]) =>
    items
      .slice(0, limit)
      .map(({ delta, edits }) => ({ delta: { kind: delta.kind, blob: delta.blob }, edits: edits.map(mention) }));
  return {
    object: 'version_diff',
    from: from.resource.id,
    to: to.resource.id,
    added_count: added.length,
    removed_count: removed.length,
    added: told(added),
    removed: told(removed),
  };
}
