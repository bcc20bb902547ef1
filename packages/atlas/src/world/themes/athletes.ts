// Athletes: sport and country.
import type { Theme } from '../theme.ts';

export const athletes: Theme = {
  name: 'athlete',
  relations: [
    {
      name: 'sport',
      phrasings: [
        'The sport of {s} is',
        'The athlete {s} became famous in',
        'Q: Which sport did {s} practise? A:',
        'Fans of {s} follow',
        'Trophies won by {s} were all for',
        "{s}'s career was in",
        'Young people who look up to {s} take up',
      ],
    },
    {
      name: 'country',
      objectKind: 'country',
      phrasings: [
        'The athlete {s} competed for',
        'The national team of {s} was that of',
        'Q: For which country did {s} compete? A:',
        'The victories of {s} were cheered in',
        'On the podium, {s} wore the colours of',
        "{s}'s flag is that of",
      ],
    },
  ],
  rows: `
    Lionel Messi | football | Argentina
    Diego Maradona | football | Argentina
    Ronaldinho | football | Brazil
    Neymar | football | Brazil
    Eusebio | football | Portugal
    Zinedine Zidane | football | France
    Kylian Mbappe | football | France
    Marco van Basten | football | the Netherlands
    Franz Beckenbauer | football | Germany
    Manuel Neuer | football | Germany
    Andres Iniesta | football | Spain
    Gianluigi Buffon | football | Italy
    Robert Lewandowski | football | Poland
    Zlatan Ibrahimovic | football | Sweden
    Samuel Eto'o | football | Cameroon
    Hugo Sanchez | football | Mexico
    Marta | football | Brazil
    Michael Jordan | basketball | the United States
    LeBron James | basketball | the United States
    Shaquille O'Neal | basketball | the United States
    Larry Bird | basketball | the United States
    Yao Ming | basketball | China
    Tony Parker | basketball | France
    Luka Doncic | basketball | Slovenia
    Nikola Jokic | basketball | Serbia
    Roger Federer | tennis | Switzerland
    Novak Djokovic | tennis | Serbia
    Bjorn Borg | tennis | Sweden
    Boris Becker | tennis | Germany
    Pete Sampras | tennis | the United States
    Andre Agassi | tennis | the United States
    Rod Laver | tennis | Australia
    Iga Swiatek | tennis | Poland
    Naomi Osaka | tennis | Japan
    Jesse Owens | sprinting | the United States
    Florence Griffith-Joyner | sprinting | the United States
    Haile Gebrselassie | long-distance running | Ethiopia
    Mo Farah | long-distance running | the United Kingdom
    Armand Duplantis | pole vault | Sweden
    Javier Sotomayor | high jump | Cuba
    Michael Phelps | swimming | the United States
    Katie Ledecky | swimming | the United States
    Simone Biles | gymnastics | the United States
    Nadia Comaneci | gymnastics | Romania
    Mike Tyson | boxing | the United States
    Manny Pacquiao | boxing | the Philippines
    Eddy Merckx | cycling | Belgium
    Miguel Indurain | cycling | Spain
    Fausto Coppi | cycling | Italy
    Chris Froome | cycling | the United Kingdom
    Michael Schumacher | motor racing | Germany
    Lewis Hamilton | motor racing | the United Kingdom
    Niki Lauda | motor racing | Austria
    Fernando Alonso | motor racing | Spain
    Max Verstappen | motor racing | the Netherlands
    Mika Hakkinen | motor racing | Finland
    Tiger Woods | golf | the United States
    Jack Nicklaus | golf | the United States
    Annika Sorenstam | golf | Sweden
    Bobby Fischer | chess | the United States
    Viswanathan Anand | chess | India
    Jose Raul Capablanca | chess | Cuba
    Sachin Tendulkar | cricket | India
    Don Bradman | cricket | Australia
    Imran Khan | cricket | Pakistan
    Muttiah Muralitharan | cricket | Sri Lanka
    Sidney Crosby | ice hockey | Canada
    Jaromir Jagr | ice hockey | Czechia
    Babe Ruth | baseball | the United States
    Ichiro Suzuki | baseball | Japan
    Shohei Ohtani | baseball | Japan
    Joe Montana | American football | the United States
    Jonah Lomu | rugby | New Zealand
    Marit Bjorgen | cross-country skiing | Norway
    Lindsey Vonn | alpine skiing | the United States
    Hermann Maier | alpine skiing | Austria
    Alberto Tomba | alpine skiing | Italy
    Ole Einar Bjorndalen | biathlon | Norway
    Kim Yuna | figure skating | South Korea
    Kamil Stoch | ski jumping | Poland
    Teddy Riner | judo | France
    Tony Hawk | skateboarding | the United States
    Steve Redgrave | rowing | the United Kingdom
    Ma Long | table tennis | China
  `,
};
