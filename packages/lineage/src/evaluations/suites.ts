// Suites: cases that are stored once under a name and asked often. They never change, so that numbers on them stay comparable.
import {
  customIdOf,
  derivedSuites,
  describeCase,
  ErrataError,
  evaluationLimits,
  givenOf,
  type Page,
  type StoredSuiteCase,
  type SuiteCase,
  type SuiteResource,
  suiteCaseSchema,
  suiteDigest,
} from '@errata/contracts';
import { noteAct } from '../audit/note.ts';
import { asJson, clientOf, type Db, isUniqueViolation, type Lineage } from '../database/client.ts';
import { idFirst, newId } from '../database/ids.ts';
import { numericCursor, type PageRequest, pageOf } from '../database/pages.ts';
import { readMetadata, readStored } from '../database/stored.ts';
import type { Suite as SuiteRow } from '../generated/client.ts';

export interface NewSuite {
  readonly name: string;
  readonly description?: string | undefined;
  /** Checked; at least one. */
  readonly cases: readonly SuiteCase[];
  readonly metadata?: Readonly<Record<string, string>> | undefined;
  /** Id of the API key. */
  readonly created_by: string | null;
}

/**
 * Stores a suite. One of the same name and content is answered with as it is. `name_taken` when the name has other cases or is that
 * of a suite read off the lineage; `invalid_request` without cases; `payload_too_large`.
 */
export async function createSuite(db: Lineage, suite: NewSuite): Promise<SuiteResource> {
  const { name, cases } = suite;
  const taken = (why: string) => new ErrataError('name_taken', `suite ${JSON.stringify(name)} ${why}`);
  if (derivedSuites.some((derived) => derived === name)) throw taken('is read off the lineage');
  if (cases.length === 0) throw new ErrataError('invalid_request', 'there are no cases');
  if (cases.length > evaluationLimits.cases) {
    const message = `${cases.length} cases in one suite; ${evaluationLimits.cases} are allowed`;
    throw new ErrataError('payload_too_large', message, { details: { cases: cases.length } });
  }
  const digest = suiteDigest(cases);
  try {
    return await db.prisma.$transaction(async (tx) => {
      const row = await tx.suite.create({
        data: {
          id: newId('suite'),
          name,
          description: suite.description ?? null,
          digest,
          cases: cases.length,
          metadata: asJson(suite.metadata ?? {}),
          createdBy: suite.created_by,
        },
      });
      const rows = cases.map((item, position) => ({ position, custom_id: customIdOf(item), payload: item }));
      await tx.$executeRaw`
        INSERT INTO suite_cases (suite_id, position, custom_id, payload)
        SELECT ${row.id}, position, custom_id, payload
        FROM jsonb_to_recordset(${JSON.stringify(rows)}::jsonb) AS given(position integer, custom_id text, payload jsonb)`;
      await noteAct(tx, { act: 'suite.created', subject: row.id, details: { name, digest }, by: suite.created_by });
      return suiteResource(row);
    });
  } catch (error) {
    if (!isUniqueViolation(error)) throw error;
    const known = await getSuite(db, name);
    if (known.digest === digest) return known;
    throw taken('has other cases, and suites do not change: choose another name');
  }
}

/** By name or id. `not_found`. */
export async function getSuite(db: Db, nameOrId: string): Promise<SuiteResource> {
  const found = await clientOf(db).suite.findMany({ where: { OR: [{ name: nameOrId }, { id: nameOrId }] } });
  const row = idFirst(found, nameOrId);
  if (row === null) throw new ErrataError('not_found', `there is no suite ${JSON.stringify(nameOrId)}`);
  return suiteResource(row);
}

/** Suites by name. The cursor is a name. */
export async function listSuites(db: Db, page: PageRequest = {}): Promise<Page<SuiteResource>> {
  const limit = page.limit ?? 20;
  const rows = await clientOf(db).suite.findMany({
    where: page.after === undefined ? {} : { name: { gt: page.after } },
    orderBy: { name: 'asc' },
    take: limit + 1,
  });
  return pageOf(rows, limit, ({ name }) => name, suiteResource);
}

const itemOf = (payload: unknown, suiteId: string, position: number): SuiteCase =>
  readStored(suiteCaseSchema, payload, `case ${position} of ${suiteId}`);

/** All cases of a suite, in order. */
export async function casesOfSuite(db: Db, suiteId: string): Promise<readonly SuiteCase[]> {
  const rows = await clientOf(db).suiteCase.findMany({ where: { suiteId }, orderBy: { position: 'asc' } });
  return rows.map(({ position, payload }) => itemOf(payload, suiteId, position));
}

/** A page of a suite's cases. The cursor is a position. */
export async function listSuiteCases(db: Db, suiteId: string, page: PageRequest = {}): Promise<Page<StoredSuiteCase>> {
  const limit = page.limit ?? 20;
  const rows = await clientOf(db).suiteCase.findMany({
    where: { suiteId, ...(page.after === undefined ? {} : { position: { gt: numericCursor(page.after) } }) },
    orderBy: { position: 'asc' },
    take: limit + 1,
  });
  return pageOf(
    rows,
    limit,
    ({ position }) => String(position),
    ({ position, payload }) => {
      const item = itemOf(payload, suiteId, position);
      const { custom_id, kind, prompt, target } = describeCase({
        ...{ position, case_id: '', edit_id: null, moment: 'end', edits: 0 },
        item,
      });
      return {
        position,
        custom_id,
        kind,
        prompt,
        target,
        given: { ...givenOf(item) },
      };
    },
  );
}

const suiteResource = (row: SuiteRow): SuiteResource => ({
  id: row.id,
  object: 'suite',
  name: row.name,
  description: row.description,
  digest: row.digest,
  cases: row.cases,
  metadata: readMetadata(row.metadata, `the metadata of ${row.id}`),
  created_by: row.createdBy,
  created_at: row.createdAt.toISOString(),
});
