// The page of a training: what is drawn of which course, and what is none.
import { describe, expect, it } from 'vitest';
import { trainingCourse, trainingPage } from './training-page.ts';

const course = {
  curve: [
    { step: 1, loss: 9, query_knowledge: 3 },
    { step: 21, loss: 6, query_knowledge: 2, reliability: 4 },
  ],
  validations: [
    { step: 10, score: 0.4, locality: 1 },
    { step: 20, score: 0.6, locality: 0.9 },
  ],
  chosen: 20,
};

describe('the page of a training', () => {
  const page = trainingPage('an encoder <b>', trainingCourse({ ...course, settings: { steps: 21 } })!);

  it('draws a line for each term and each share, as far as there are points, and tells the chosen checkpoint', () => {
    for (const name of ['loss', 'query knowledge', 'reliability', 'score', 'locality'])
      expect(page).toContain(`>${name}<`);
    expect(page).toContain('the checkpoint of step 20 was chosen');
    expect(page).toContain('<th>score</th><td>0.600</td>');
    expect(page).not.toContain('0.400</td>');
  });

  it('draws values that are read in another way too in a chart of their own', () => {
    const validations = [{ step: 10, score: 0.4, left_alone: 1, pairs_score: 0.2, pairs_left_alone: 0.1 }];
    const drawn = trainingPage('x', trainingCourse({ ...course, validations, chosen: 10 })!);
    expect([...drawn.matchAll(/<figcaption>([^<]*)/g)].map(([, title]) => title)).toEqual([
      'Loss, and its terms',
      'On what was not trained on',
      'On what was not trained on: pairs',
    ]);
    expect(drawn.match(/>left alone<\/text>/g)).toHaveLength(2);
    expect(drawn).toContain('<th>pairs left alone</th><td>0.100</td>');
  });

  it('escapes what it is of', () => {
    expect(page).toContain('an encoder &lt;b&gt;');
  });

  it('is none of what was not trained', () => {
    expect(trainingCourse({ texts: 12 })).toBeUndefined();
    expect(trainingCourse({ ...course, curve: [] })).toBeUndefined();
  });
});
