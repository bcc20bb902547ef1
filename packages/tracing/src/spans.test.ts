// Tracing by the standard variables: off without them, refused where they are wrong, and in the form that they ask for.
import { afterAll, expect, test } from 'vitest';
import { startOtlpReceiver } from '../../../test/support/otlp-receiver.ts';
import { currentTraceparent, inSpan, isTracing, startTracing } from './index.ts';

const receiver = await startOtlpReceiver();
afterAll(() => receiver.close());

test('nothing is traced unless it is asked for, and work is done all the same', async () => {
  for (const environment of [
    {},
    { OTEL_SERVICE_NAME: 'x' },
    { OTEL_EXPORTER_OTLP_ENDPOINT: receiver.url, OTEL_SDK_DISABLED: 'true' },
    { OTEL_EXPORTER_OTLP_ENDPOINT: receiver.url, OTEL_TRACES_EXPORTER: 'none' },
  ]) {
    const stop = await startTracing('test', { environment });
    expect(isTracing()).toBe(false);
    expect(await inSpan('work', {}, async () => currentTraceparent() ?? 'nothing')).toBe('nothing');
    await stop();
  }
});

test.each([
  [
    'OTEL_EXPORTER_OTLP_PROTOCOL',
    { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:1', OTEL_EXPORTER_OTLP_PROTOCOL: 'grpc' },
  ],
  ['OTEL_TRACES_EXPORTER', { OTEL_TRACES_EXPORTER: 'zipkin' }],
])('what %s names and is not spoken is refused', async (variable, environment) => {
  const refusal = { code: 'invalid_request', message: expect.stringContaining(`settings: ${variable}: `) };
  await expect(startTracing('test', { environment })).rejects.toMatchObject(refusal);
});

test('spans leave as protobuf unless told otherwise, with their links, at the latest when tracing ends', async () => {
  process.env.OTEL_EXPORTER_OTLP_ENDPOINT = receiver.url;
  const stop = await startTracing('test');
  const traces = await inSpan('outer', { parent: null }, async () => [
    currentTraceparent(),
    await inSpan('inner', {}, async () => currentTraceparent()),
  ]);
  await expect(inSpan('fails', {}, () => Promise.reject(new Error('no')))).rejects.toThrow('no');
  await stop();
  delete process.env.OTEL_EXPORTER_OTLP_ENDPOINT;
  expect(isTracing()).toBe(false);
  const [outer, inner] = traces.map((parent) => /^00-(\w{32})-(\w{16})-01$/.exec(parent!)!.slice(1));
  expect(inner![0]).toBe(outer![0]);
  const sent = receiver.bodies.filter(({ type }) => type === 'application/x-protobuf').map(({ bytes }) => bytes);
  const all = Buffer.concat(sent);
  for (const part of [...outer!, inner![1]!]) expect(all.includes(Buffer.from(part, 'hex'))).toBe(true);
  expect(all.includes('fails')).toBe(true);
});
