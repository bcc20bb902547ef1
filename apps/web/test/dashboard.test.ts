// The dashboard in a browser on the whole stack, from a first visit over a correction to its being taken back, on a desktop and a phone.
// One stack for all: it takes longer to start than most of what is done with it.
import { afterAll, beforeAll, describe } from 'vitest';
import { findBrowser } from '../../../test/support/browser.ts';
import { comparing } from './comparing.fixture.ts';
import { correcting } from './correcting.fixture.ts';
import { everyPage } from './every-page.fixture.ts';
import { judging } from './judging.fixture.ts';
import { running } from './running.fixture.ts';
import { scale } from './scale.fixture.ts';
import { signingIn } from './signing-in.fixture.ts';
import { openStack, type Stack } from './stack.fixture.ts';
import { tracingBack } from './tracing-back.fixture.ts';
import { watching } from './watching.fixture.ts';

describe.skipIf(findBrowser() === undefined)('in a browser', () => {
  let opened: Stack;
  const stack = () => opened;
  beforeAll(async () => {
    opened = await openStack();
    // Its editor needs no second moments, which take a minute to measure.
    await opened.client.branches.create('atlas', { name: 'work', default_editor: 'ft-m' });
    await opened.client.branches.create('atlas', {
      name: 'reviewed',
      default_editor: 'ft-m',
      approval: 'required',
    });
  });
  afterAll(() => opened?.close());

  describe('signing in', () => signingIn(stack));
  describe('correcting', () => correcting(stack));
  describe('judging', () => judging(stack));
  describe('tracing back', () => tracingBack(stack));
  describe('comparing', () => comparing(stack));
  describe('watching', () => watching(stack));
  describe('running it', () => running(stack));
  describe('every page', () => everyPage(stack));
  describe('long lists', () => scale(stack));
});
