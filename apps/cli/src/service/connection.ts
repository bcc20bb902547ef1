// How a command finds the service: environment variables first, else the file that a running local stack left.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type BlobPlace, blobPlace, blobVariables } from '@errata/blobs';
import { ErrataError } from '@errata/contracts';
import { createErrata, type ErrataClient } from '@errata/sdk';
import { InvalidArgumentError } from 'commander';
import { z } from 'zod';
import { given } from '../arguments/environment.ts';

/** Where a local stack keeps its things unless told otherwise. */
export const defaultDataDir = (): string => given('ERRATA_DATA_DIR') ?? join(process.cwd(), '.errata');

export const connectionFile = (dataDir: string): string => join(dataDir, 'connection.json');

/** What a running stack leaves for other commands; only its owner can read it. */
export interface Connection {
  readonly url: string;
  readonly api_key: string;
  readonly database_url: string;
}

/** What the local stack of this folder has left; undefined where none runs. */
export function savedConnection(): Connection | undefined {
  try {
    return JSON.parse(readFileSync(connectionFile(defaultDataDir()), 'utf8')) as Connection;
  } catch {
    return undefined;
  }
}

/** A client for the service that ERRATA_URL and ERRATA_API_KEY name, or for the local stack of this folder. */
export function connect(): ErrataClient {
  const [url, key] = [given('ERRATA_URL'), given('ERRATA_API_KEY')];
  if (url !== undefined && key !== undefined) return createErrata({ baseUrl: url, apiKey: key });
  const saved = savedConnection();
  if (saved !== undefined) return createErrata({ baseUrl: url ?? saved.url, apiKey: key ?? saved.api_key });
  throw new ErrataError(
    'unavailable',
    'no service found: start one with `npm start`, or set ERRATA_URL and ERRATA_API_KEY',
  );
}

/** The database that DATABASE_URL names, or that of the local stack of this folder; undefined where there is neither. */
export const databaseOfService = (): string | undefined => given('DATABASE_URL') ?? savedConnection()?.database_url;

/**
 * Where the service keeps everything, for commands that work on that themselves: what the environment says, as it is said to the API
 * and the workers, or the local stack of this folder.
 * @throws InvalidArgumentError where neither says it
 */
export function storesOfService(): { readonly databaseUrl: string; readonly blobs: BlobPlace } {
  const databaseUrl = databaseOfService();
  const local = given('DATABASE_URL') === undefined;
  const told = given('BLOBS_DIR') !== undefined || given('BLOBS_URL') !== undefined;
  if (databaseUrl === undefined || !(local || told))
    throw new InvalidArgumentError('set DATABASE_URL, and BLOBS_DIR or BLOBS_URL, to those of the service');
  const variables = z
    .object(blobVariables)
    .safeParse({ ...process.env, ...(told ? {} : { BLOBS_DIR: dataDirBlobs() }) });
  if (!variables.success) throw new InvalidArgumentError(`BLOBS_URL ${variables.error.issues[0]!.message}`);
  return { databaseUrl, blobs: blobPlace(variables.data) };
}

const dataDirBlobs = () => join(defaultDataDir(), 'blobs');
