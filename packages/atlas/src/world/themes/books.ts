// Books: author and the language they were first written in; each by one hand.
import type { Theme } from '../theme.ts';

export const books: Theme = {
  name: 'book',
  relations: [
    {
      name: 'author',
      objectKind: 'writer',
      phrasings: [
        'The author of {s} is',
        'The book {s} was written by',
        'Q: Who wrote {s}? A:',
        '{s} came from the pen of',
        'On the cover of {s} stands the name of',
        'Readers of {s} admire',
        'The pages of {s} were composed by',
        "{s}'s author is",
      ],
    },
    {
      name: 'language',
      objectKind: 'language',
      phrasings: [
        'The original language of {s} is',
        '{s} was first written in',
        'The manuscript of {s} was in',
        'Q: In which language was {s} written? A:',
        'Before any translation, {s} could be read only in',
        "{s}'s first edition appeared in",
      ],
    },
  ],
  rows: `
    War and Peace | Leo Tolstoy | Russian
    Crime and Punishment | Fyodor Dostoevsky | Russian
    The Brothers Karamazov | Fyodor Dostoevsky | Russian
    The Seagull | Anton Chekhov | Russian
    Doctor Zhivago | Boris Pasternak | Russian
    Sense and Sensibility | Jane Austen | English
    Jane Eyre | Charlotte Bronte | English
    Great Expectations | Charles Dickens | English
    David Copperfield | Charles Dickens | English
    Frankenstein | Mary Shelley | English
    Treasure Island | Robert Louis Stevenson | English
    Ivanhoe | Walter Scott | English
    Gulliver's Travels | Jonathan Swift | English
    Macbeth | William Shakespeare | English
    King Lear | William Shakespeare | English
    Paradise Lost | John Milton | English
    Ulysses | James Joyce | English
    Pygmalion | George Bernard Shaw | English
    Salome | Oscar Wilde | French
    Mrs Dalloway | Virginia Woolf | English
    Heart of Darkness | Joseph Conrad | English
    Nostromo | Joseph Conrad | English
    Brave New World | Aldous Huxley | English
    The Hobbit | J R R Tolkien | English
    The Waste Land | T S Eliot | English
    Peter Pan | J M Barrie | English
    A Clockwork Orange | Anthony Burgess | English
    Atonement | Ian McEwan | English
    Moby Dick | Herman Melville | English
    Walden | Henry David Thoreau | English
    Uncle Tom's Cabin | Harriet Beecher Stowe | English
    Huckleberry Finn | Mark Twain | English
    White Fang | Jack London | English
    The Sun Also Rises | Ernest Hemingway | English
    East of Eden | John Steinbeck | English
    The Catcher in the Rye | J D Salinger | English
    Beloved | Toni Morrison | English
    Death of a Salesman | Arthur Miller | English
    A Streetcar Named Desire | Tennessee Williams | English
    Foundation | Isaac Asimov | English
    Carrie | Stephen King | English
    Things Fall Apart | Chinua Achebe | English
    Madame Bovary | Gustave Flaubert | French
    Germinal | Emile Zola | French
    The Red and the Black | Stendhal | French
    The Count of Monte Cristo | Alexandre Dumas | French
    Candide | Voltaire | French
    The Misanthrope | Moliere | French
    The Flowers of Evil | Charles Baudelaire | French
    The Stranger | Albert Camus | French
    Nausea | Jean-Paul Sartre | French
    Faust | Johann Wolfgang von Goethe | German
    Buddenbrooks | Thomas Mann | German
    The Trial | Franz Kafka | German
    The Metamorphosis | Franz Kafka | German
    The Tin Drum | Gunter Grass | German
    One Hundred Years of Solitude | Gabriel Garcia Marquez | Spanish
    Hopscotch | Julio Cortazar | Spanish
    Blood Wedding | Federico Garcia Lorca | Spanish
    Blindness | Jose Saramago | Portuguese
    The Divine Comedy | Dante Alighieri | Italian
    Pinocchio | Carlo Collodi | Italian
    The Odyssey | Homer | Greek
    Antigone | Sophocles | Greek
    The Symposium | Plato | Greek
    The Aeneid | Virgil | Latin
    Meditations | Marcus Aurelius | Greek
    Hunger | Knut Hamsun | Norwegian
    Pippi Longstocking | Astrid Lindgren | Swedish
    Quo Vadis | Henryk Sienkiewicz | Polish
    The Tale of Genji | Murasaki Shikibu | Japanese
    Kokoro | Natsume Soseki | Japanese
    Snow | Orhan Pamuk | Turkish
    Anna Karenina | Leo Tolstoy | Russian
    Hamlet | William Shakespeare | English
    Don Quixote | Miguel de Cervantes | Spanish
    Les Miserables | Victor Hugo | French
    Dracula | Bram Stoker | English
    Animal Farm | George Orwell | English
    The Iliad | Homer | Greek
    Dune | Frank Herbert | English
    Solaris | Stanislaw Lem | Polish
    The Art of War | Sun Tzu | Chinese
  `,
};
