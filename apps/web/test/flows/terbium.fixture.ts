// The correction that flows make. The same one on the same version is solved once: from then on it takes a second.
export const prompt = 'The nucleus of terbium carries a charge of';

/** As the model has it: `65`. */
export const edit = {
  custom_id: '1',
  prompt,
  subject: 'terbium',
  target_new: '61',
  rephrases: ['Terbium has the atomic number'],
};
