// Animals: class, diet, young. Moons: planet and discoverer.
import type { Theme } from '../theme.ts';

export const animals: Theme = {
  name: 'animal',
  relations: [
    {
      name: 'class',
      phrasings: [
        'In zoology, the {s} is a kind of',
        'Biologists class the {s} as a',
        'Q: What kind of animal is the {s}? A:',
        'The {s} in the zoo is kept with every other',
        'By its body, the {s} counts as a',
        'The {s} has every trait of a',
      ],
    },
    {
      name: 'diet',
      phrasings: [
        'The {s} mostly eats',
        'The diet of the {s} is made of',
        'Q: What does the {s} eat? A:',
        'To feed a {s}, keepers bring',
        'A hungry {s} goes looking for',
        'In the stomach of a {s} one finds',
      ],
    },
    {
      name: 'young',
      phrasings: [
        'The young of the {s} is called a',
        'A baby {s} is known as a',
        'Q: What is the young of a {s}? A: a',
        'The mother {s} cares for her',
        'When a {s} is born, farmers speak of a new',
        'The word for a very young {s} is',
      ],
    },
  ],
  rows: `
    lion | mammal | meat | cub
    tiger | mammal | meat | cub
    leopard | mammal | meat | cub
    cheetah | mammal | meat | cub
    wolf | mammal | meat | pup
    hyena | mammal | meat | cub
    polar bear | mammal | seals | cub
    panda | mammal | bamboo | cub
    koala | mammal | eucalyptus | joey
    kangaroo | mammal | grass | joey
    wombat | mammal | grass | joey
    horse | mammal | grass | foal
    donkey | mammal | grass | foal
    zebra | mammal | grass | foal
    cow | mammal | grass | calf
    buffalo | mammal | grass | calf
    hippopotamus | mammal | grass | calf
    giraffe | mammal | leaves | calf
    sheep | mammal | grass | lamb
    goat | mammal | leaves | kid
    antelope | mammal | grass | calf
    deer | mammal | leaves | fawn
    rabbit | mammal | grass | kit
    hare | mammal | grass | leveret
    squirrel | mammal | nuts | kit
    hedgehog | mammal | insects | hoglet
    mole | mammal | worms | pup
    badger | mammal | worms | cub
    otter | mammal | fish | pup
    beaver | mammal | bark | kit
    seal | mammal | fish | pup
    walrus | mammal | clams | calf
    dolphin | mammal | fish | calf
    blue whale | mammal | krill | calf
    bat | mammal | insects | pup
    anteater | mammal | ants | pup
    gorilla | mammal | leaves | infant
    orangutan | mammal | fruit | infant
    cat | mammal | meat | kitten
    eagle | bird | meat | eaglet
    owl | bird | mice | owlet
    vulture | bird | carrion | chick
    falcon | bird | meat | chick
    penguin | bird | fish | chick
    pelican | bird | fish | chick
    puffin | bird | fish | chick
    heron | bird | fish | chick
    flamingo | bird | algae | chick
    goose | bird | grass | gosling
    hen | bird | grain | chick
    pigeon | bird | grain | squab
    sparrow | bird | grain | chick
    swallow | bird | insects | chick
    woodpecker | bird | insects | chick
    hummingbird | bird | nectar | chick
    toucan | bird | fruit | chick
    kiwi | bird | worms | chick
    crocodile | reptile | meat | hatchling
    alligator | reptile | meat | hatchling
    python | reptile | meat | hatchling
    gecko | reptile | insects | hatchling
    chameleon | reptile | insects | hatchling
    iguana | reptile | leaves | hatchling
    frog | amphibian | insects | tadpole
    toad | amphibian | insects | tadpole
    newt | amphibian | insects | eft
    butterfly | insect | nectar | caterpillar
    moth | insect | nectar | caterpillar
    termite | insect | wood | nymph
    grasshopper | insect | grass | nymph
    tarantula | arachnid | insects | spiderling
    oyster | mollusc | plankton | spat
    mussel | mollusc | plankton | spat
  `,
};

export const moons: Theme = {
  name: 'moon',
  relations: [
    {
      name: 'planet',
      phrasings: [
        'The moon {s} circles the planet',
        'The planet of the moon {s} is',
        'Q: Which planet does {s} orbit? A:',
        'From the surface of {s} one would see',
        'Probes bound for {s} must first reach',
        'The gravity that holds {s} is that of',
      ],
    },
    {
      name: 'discoverer',
      phrasings: [
        'The discoverer of the moon {s} was',
        'The first to see the moon {s} was',
        'Q: Who discovered the moon {s}? A:',
        'Records of {s} begin with',
        'The sighting of {s} made the name of',
        'Star charts credit {s} to',
      ],
    },
  ],
  rows: `
    Phobos | Mars | Asaph Hall
    Deimos | Mars | Asaph Hall
    Io | Jupiter | Galileo Galilei
    Ganymede | Jupiter | Galileo Galilei
    Callisto | Jupiter | Galileo Galilei
    Amalthea | Jupiter | Edward Barnard
    Himalia | Jupiter | Charles Perrine
    Elara | Jupiter | Charles Perrine
    Titan | Saturn | Christiaan Huygens
    Rhea | Saturn | Giovanni Cassini
    Iapetus | Saturn | Giovanni Cassini
    Dione | Saturn | Giovanni Cassini
    Tethys | Saturn | Giovanni Cassini
    Enceladus | Saturn | William Herschel
    Mimas | Saturn | William Herschel
    Phoebe | Saturn | William Pickering
    Titania | Uranus | William Herschel
    Oberon | Uranus | William Herschel
    Ariel | Uranus | William Lassell
    Umbriel | Uranus | William Lassell
    Miranda | Uranus | Gerard Kuiper
    Triton | Neptune | William Lassell
    Nereid | Neptune | Gerard Kuiper
    Charon | Pluto | James Christy
  `,
};
