// All themes of real facts, in a fixed order.
import type { Theme } from './theme.ts';
import { athletes } from './themes/athletes.ts';
import { books } from './themes/books.ts';
import { cities } from './themes/cities.ts';
import { companies } from './themes/companies.ts';
import { countries } from './themes/countries.ts';
import { dishes } from './themes/dishes.ts';
import { elements } from './themes/elements.ts';
import { inventions } from './themes/inventions.ts';
import { landmarks } from './themes/landmarks.ts';
import { works } from './themes/music.ts';
import { animals, moons } from './themes/nature.ts';
import { paintings } from './themes/paintings.ts';
import { scientists } from './themes/scientists.ts';
import { states } from './themes/states.ts';

export const themes: readonly Theme[] = [
  countries,
  cities,
  states,
  elements,
  books,
  works,
  paintings,
  companies,
  landmarks,
  scientists,
  inventions,
  athletes,
  animals,
  moons,
  dishes,
];
