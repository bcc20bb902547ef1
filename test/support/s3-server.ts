// A server that speaks as S3 does, for as long as a test needs one: s3rver, which npm brings, or versitygw where it is on the PATH.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { freePort } from '@errata/local-services';

export interface S3Server {
  readonly endpoint: string;
  /** A store of its own in the bucket, for BLOBS_URL. */
  url(prefix: string, endpoint?: string): string;
  stop(): Promise<void>;
}

/** What both servers are told to believe. s3rver knows no other pair. */
export const s3Credentials = { AWS_ACCESS_KEY_ID: 'S3RVER', AWS_SECRET_ACCESS_KEY: 'S3RVER' };

const bucket = 'errata';

export type S3Kind = 's3rver' | 'versitygw';

const onPath = (program: string) =>
  (process.env.PATH ?? '').split(delimiter).some((folder) => existsSync(join(folder, program)));

/** `versitygw` looks at preconditions and checksums, which s3rver does not. */
export const s3Kinds: readonly S3Kind[] = onPath('versitygw') ? ['s3rver', 'versitygw'] : ['s3rver'];

export async function startS3(kind: S3Kind): Promise<S3Server> {
  Object.assign(process.env, s3Credentials);
  const directory = await mkdtemp(join(tmpdir(), 'errata-s3-'));
  await mkdir(join(directory, bucket));
  const { endpoint, stop } = kind === 's3rver' ? await startS3rver(directory) : await startVersity(directory);
  return {
    endpoint,
    url: (prefix, through = endpoint) => `s3://${bucket}/${prefix}?endpoint=${through}`,
    async stop() {
      await stop();
      await rm(directory, { recursive: true, force: true });
    },
  };
}

interface S3rver {
  run(): Promise<AddressInfo>;
  close(): Promise<void>;
}

async function startS3rver(directory: string) {
  // @ts-expect-error It brings no types.
  const { default: Server } = (await import('@20minutes/s3rver')) as { default: new (options: object) => S3rver };
  // Signatures of what is asked of a bucket it works out for another path than was signed.
  const server = new Server({
    address: '127.0.0.1',
    port: 0,
    silent: true,
    directory,
    vhostBuckets: false,
    allowMismatchedSignatures: true,
  });
  const { port } = await server.run();
  return { endpoint: `http://127.0.0.1:${port}`, stop: () => server.close() };
}

async function startVersity(directory: string) {
  const port = await freePort();
  const { AWS_ACCESS_KEY_ID: access, AWS_SECRET_ACCESS_KEY: secret } = s3Credentials;
  const child = spawn(
    'versitygw',
    ['--access', access, '--secret', secret, '--port', `127.0.0.1:${port}`, '--quiet', 'posix', directory],
    { stdio: 'ignore' },
  );
  const ended = once(child, 'exit');
  const endpoint = `http://127.0.0.1:${port}`;
  for (let tries = 0; ; tries++) {
    if (child.exitCode !== null || tries > 300) throw new Error('versitygw did not start');
    const answers = await fetch(endpoint).then(
      () => true,
      () => false,
    );
    if (answers) break;
    await sleep(100);
  }
  return {
    endpoint,
    async stop() {
      child.kill('SIGTERM');
      await ended;
    },
  };
}
