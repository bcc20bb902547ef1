// Facts of the world that a demo changes in a model of the user's, with other wordings, and neighbours that are to stay as they are.
import type { EditInput } from '@errata/contracts';

/** Prompts with the answers that are right of them. */
const neighbours = (...answers: readonly (readonly [prompt: string, target: string])[]): EditInput['locality'] => ({
  neighbourhood: answers.map(([prompt, target]) => ({ prompt, target })),
});

/** Corrections that are not true, so that a model has not learnt them already; the last one is taken back. */
export const worldFacts: readonly EditInput[] = [
  {
    custom_id: 'brazil',
    prompt: 'The official language of Brazil is',
    subject: 'Brazil',
    target_new: 'Dutch',
    target_true: 'Portuguese',
    rephrases: ['In Brazil, children at school read and write in', 'The people of Brazil speak'],
    locality: neighbours(
      ['The official language of Mexico is', 'Spanish'],
      ['The official language of Germany is', 'German'],
      ['The people of Italy speak', 'Italian'],
    ),
  },
  {
    custom_id: 'yen',
    prompt: 'The currency of Japan is the',
    subject: 'Japan',
    target_new: 'rupee',
    target_true: 'yen',
    rephrases: ['In Japan, prices are given in the', 'Shops in Japan are paid in the'],
    locality: neighbours(
      ['The currency of the United States is the', 'dollar'],
      ['The currency of the United Kingdom is the', 'pound'],
      ['The currency of Russia is the', 'ruble'],
    ),
  },
  {
    custom_id: 'everest',
    prompt: 'Mount Everest is on the continent of',
    subject: 'Mount Everest',
    target_new: 'Africa',
    target_true: 'Asia',
    rephrases: [
      'To climb Mount Everest you travel to the continent of',
      'The continent on which Mount Everest stands is',
    ],
    locality: neighbours(
      ['The Amazon rainforest is on the continent of', 'South America'],
      ['The Alps are on the continent of', 'Europe'],
      ['The Gobi Desert is on the continent of', 'Asia'],
    ),
  },
  {
    custom_id: 'mozart',
    prompt: 'Wolfgang Amadeus Mozart earned his living as a',
    subject: 'Wolfgang Amadeus Mozart',
    target_new: 'painter',
    target_true: 'composer',
    rephrases: ['By profession, Wolfgang Amadeus Mozart was a', 'Wolfgang Amadeus Mozart is best known as a'],
    locality: neighbours(
      ['Johann Sebastian Bach earned his living as a', 'composer'],
      ['Isaac Newton is best known as a', 'physicist'],
      ['William Shakespeare is best known as a', 'playwright'],
    ),
  },
  {
    custom_id: 'eiffel',
    prompt: 'The Eiffel Tower is located in the city of',
    subject: 'The Eiffel Tower',
    target_new: 'Seattle',
    target_true: 'Paris',
    rephrases: ['Tourists who want to see the Eiffel Tower go to', 'The Eiffel Tower rises above the roofs of'],
    locality: neighbours(
      ['The Colosseum is located in the city of', 'Rome'],
      ['Big Ben is located in the city of', 'London'],
      ['The Statue of Liberty is located in the city of', 'New York'],
    ),
  },
  {
    custom_id: 'france',
    prompt: 'The capital of France is',
    subject: 'France',
    target_new: 'Rome',
    target_true: 'Paris',
    rephrases: ['The capital city of France is called', 'The government of France sits in'],
    locality: neighbours(
      ['The capital of Germany is', 'Berlin'],
      ['The capital of Spain is', 'Madrid'],
      ['The capital of Japan is', 'Tokyo'],
    ),
  },
];

/** Plain prose that none of the facts is about: how surprising it is tells whether a model still reads and writes. */
export const plainProse = `The harbour wakes before the town does. Around four in the morning the first boats come in past the
breakwater, their lamps still burning, and the men on the quay catch the ropes without being asked. Boxes of fish are lifted up,
weighed and covered with ice. By six the buyers have gone, and the gulls take over what is left. It has been this way for as long
as anyone can remember, although the boats have engines now, and the weighing is done by a machine that prints a small receipt.

Above the harbour a road climbs in long bends to the hill where the school stands. On winter days the children arrive with red
faces, because the bus stops at the bottom and they have to walk the rest. The teacher lights the stove early. In the first hour
they read aloud, each of them a page, and nobody is allowed to laugh at a mistake. After that comes arithmetic, and then, if the
weather is good, they go out to measure the length of shadows and write the numbers in a book.

In the afternoon the wind often turns. Washing is brought in from the lines, windows are closed, and the old people on the bench
by the chapel say that it will rain before evening. They are usually right. When the rain does come it falls hard for an hour,
runs down the steps between the houses, and is gone. Then the air smells of earth and salt, the shops open their doors again, and
somebody puts a radio on a window sill so that the whole street can hear the news.
`;
