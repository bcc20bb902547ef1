// Objects of one bucket below one prefix, by the AWS SDK: what a store needs of S3, with its failures told by what they mean.
import { createReadStream } from 'node:fs';
import { readFile } from 'node:fs/promises';
import type { Readable } from 'node:stream';
import {
  DeleteObjectCommand,
  GetObjectCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  S3Client,
  S3ServiceException,
} from '@aws-sdk/client-s3';
import { Upload } from '@aws-sdk/lib-storage';
import { ErrataError } from '@errata/contracts';
import { NodeHttpHandler } from '@smithy/node-http-handler';
import type { BlobStat } from './blobs.ts';

export interface BucketOptions {
  /** How long a connection may stay silent before a request counts as failed, in ms. */
  readonly silenceMs?: number;
  /** How often a request is sent before its failure is told. The SDK waits longer before each. */
  readonly attempts?: number;
  /** Bytes of one part of an upload; what is no larger is sent whole. At least 5 MiB, as S3 asks. */
  readonly partBytes?: number;
}

export interface StoredObject {
  readonly key: string;
  /** Bytes. */
  readonly size: number;
}

export interface Bucket {
  /** All objects whose key begins so, in order of their keys. */
  objects(prefix: string): AsyncIterable<StoredObject>;
  /** The content, as it comes; null when there is no such object. What breaks off later fails the stream. */
  read(key: string): Promise<Readable | null>;
  /** Stores a file under a key that nothing else has. The server compares what came with checksums. */
  write(key: string, file: string, content: BlobStat): Promise<void>;
  remove(key: string): Promise<void>;
}

// The SDK's versions are pinned: what later ones will want of Node is nothing to tell whoever runs this.
process.env.AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED ??= 'true';

const defaultPartBytes = 16 * 1024 * 1024;
/** What S3 allows. */
const mostParts = 10_000;

/**
 * Where a bucket is: `s3://BUCKET/PREFIX`, with `?endpoint=http://HOST:PORT` where it is not at Amazon, and `&region=`. What the URL
 * leaves out, and credentials, come from the environment or its files, as for every program of the SDK (AWS_ENDPOINT_URL_S3,
 * AWS_REGION, AWS_ACCESS_KEY_ID ...).
 * @throws ErrataError `invalid_request`
 */
function parseBucketUrl(text: string): {
  readonly bucket: string;
  /** Empty, or ends in a slash. */
  readonly prefix: string;
  readonly endpoint: string | undefined;
  readonly region: string;
} {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  const wrong =
    url?.protocol !== 's3:' || !/^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/.test(url.host)
      ? 'must be s3://BUCKET or s3://BUCKET/PREFIX'
      : url.username !== '' || url.password !== ''
        ? 'must hold no credentials: AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY do'
        : [...url.searchParams.keys()].some((name) => name !== 'endpoint' && name !== 'region')
          ? 'takes endpoint and region behind its question mark, nothing else'
          : undefined;
  if (url === undefined || wrong !== undefined) {
    const message = wrong ?? 'must be a URL';
    throw new ErrataError('invalid_request', `BLOBS_URL: ${message}`, {
      errors: [{ code: 'invalid_request', field: 'BLOBS_URL', message }],
    });
  }
  const folder = url.pathname.replace(/^\/+|\/+$/g, '');
  const { AWS_ENDPOINT_URL_S3, AWS_ENDPOINT_URL, AWS_REGION, AWS_DEFAULT_REGION } = process.env;
  return {
    bucket: url.host,
    prefix: folder === '' ? '' : `${folder}/`,
    endpoint: url.searchParams.get('endpoint') || AWS_ENDPOINT_URL_S3 || AWS_ENDPOINT_URL || undefined,
    region: url.searchParams.get('region') || AWS_REGION || AWS_DEFAULT_REGION || 'us-east-1',
  };
}

export function openBucket(url: string, options: BucketOptions = {}): Bucket {
  const { silenceMs = 30_000, attempts = 6, partBytes = defaultPartBytes } = options;
  const { bucket: Bucket, prefix, endpoint, region } = parseBucketUrl(url);
  const client = new S3Client({
    region,
    ...(endpoint === undefined ? {} : { endpoint }),
    // Buckets of other servers than Amazon's have no host names of their own.
    forcePathStyle: endpoint !== undefined,
    maxAttempts: attempts,
    requestHandler: new NodeHttpHandler({ connectionTimeout: silenceMs, socketTimeout: silenceMs }),
  });
  const told = async <T>(work: () => Promise<T>): Promise<T> => {
    try {
      return await work();
    } catch (error) {
      throw bucketError(error, url);
    }
  };

  return {
    async *objects(below) {
      for (let token: string | undefined; ; ) {
        const page = await told(() =>
          client.send(
            new ListObjectsV2Command({ Bucket, Prefix: prefix + below, ...(token && { ContinuationToken: token }) }),
          ),
        );
        for (const { Key, Size } of page.Contents ?? [])
          if (Key !== undefined) yield { key: Key.slice(prefix.length), size: Size ?? 0 };
        if (page.IsTruncated !== true) return;
        token = page.NextContinuationToken;
      }
    },

    read: (key) =>
      told(async () => {
        try {
          const { Body } = await client.send(new GetObjectCommand({ Bucket, Key: prefix + key }));
          return Body as Readable;
        } catch (error) {
          if (isAnswer(error, 404, 'NoSuchKey')) return null;
          throw error;
        }
      }),

    write: (key, file, { sha256, size }) =>
      told(async () => {
        // Never over an object that is there. The key is ours alone, so that one which is there is what an attempt whose answer was lost stored.
        const params = { Bucket, Key: prefix + key, IfNoneMatch: '*' };
        const sent =
          size <= partBytes
            ? client.send(
                new PutObjectCommand({
                  ...params,
                  Body: await readFile(file),
                  ChecksumSHA256: Buffer.from(sha256, 'hex').toString('base64'),
                }),
              )
            : new Upload({
                client,
                params: { ...params, Body: createReadStream(file), ChecksumAlgorithm: 'SHA256' },
                partSize: Math.max(partBytes, Math.ceil(size / mostParts)),
              }).done();
        await sent.catch((error: unknown) => {
          if (!isAnswer(error, 412, 'PreconditionFailed')) throw error;
        });
      }),

    remove: (key) =>
      told(async () => {
        await client.send(new DeleteObjectCommand({ Bucket, Key: prefix + key }));
      }),
  };
}

const isAnswer = (error: unknown, status: number, name: string): boolean =>
  error instanceof S3ServiceException && (error.$metadata.httpStatusCode === status || error.name === name);

const fullNames = ['QuotaExceeded', 'XMinioStorageFull', 'InsufficientCapacity'];

/**
 * What went wrong, by what can be done about it; what is told already passes. The SDK's own error is left out: it holds the whole
 * request, with its signature, and would be in every log.
 */
export function bucketError(error: unknown, url: string): unknown {
  if (error instanceof ErrataError || !(error instanceof Error)) return error;
  const status = error instanceof S3ServiceException ? error.$metadata.httpStatusCode : undefined;
  const full = status === 507 || fullNames.includes(error.name);
  const what = error.message === '' || error.message === 'UnknownError' ? error.name : error.message;
  return new ErrataError(
    full ? 'storage_full' : 'storage_failed',
    full ? `the blob store has no space left: ${what}` : `the blob store failed: ${what}`,
    { details: { store: url, system: error.name, ...(status === undefined ? {} : { status }) } },
  );
}
