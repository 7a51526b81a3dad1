/*
 * Teams: see teams.h.
 */
#include "feed/teams.h"

#include <math.h>

#define HOME_ADVANTAGE 1.13 /* times the goals of who plays at home */
#define SPREAD 0.42         /* of strength, from the middle to either end */

const struct league teams_leagues[TEAMS_LEAGUES] = {
    { "Crown League", "England", 2.75,
      { "Kingsmere City", "Ashworth United", "Thornbury Albion", "Redgate Rovers",
        "Eastcliff Town", "Port Haven", "Millbrook Athletic", "Wyncastle", "Stonebridge County",
        "Harrowfield", "Saltmarsh Wanderers", "Elderwick" } },
    { "Primera Costa", "Spain", 2.5,
      { "Real Montoro", "Atlético Valdeluna", "Deportivo Almadena", "CF Sierra Alta",
        "Unión Peñarroja", "Racing Torreblanca", "CD Villaluz", "Marina Gadea", "SD Ibarrondo",
        "UD Castelmar", "Rayo Olmeda", "CF Puertalba" } },
    { "Lega Azzurra", "Italy", 2.6,
      { "Monteverde Calcio", "AC Rivalta", "Sporting Caldara", "US Fontanella", "Torremare",
        "SS Valdoro", "Pietralba", "AS Collefiore", "Virtus Marenza", "Campolungo",
        "Borgo Sant'Elmo", "Montalieri" } },
    { "Bundesklasse", "Germany", 3.05,
      { "FC Rheinau", "SV Adlerburg", "Eintracht Waldheim", "TSV Nordhafen", "VfB Grünstadt",
        "Fortuna Seeberg", "SpVgg Altmark", "Hansa Lindow", "SC Weißenfelde", "FC Donautal",
        "Union Kreuzfeld", "TuS Hallbrück" } },
    { "Ligue Hexagone", "France", 2.65,
      { "Olympique Valmont", "AS Rochefleur", "Stade Clairmont", "FC Beaurivage",
        "RC Montferrand-Sud", "Étoile du Lac", "US Portbrun", "AJ Saint-Aubray", "Havre d'Or",
        "Sporting Garrigue", "Racing Vieuxpont", "Amiral Carnelle" } },
    { "Nordic Cup", "International", 2.85,
      { "Fjordheim IF", "Helsunda BK", "FC Karelvik", "Østerhavn", "Björkstad IS",
        "Skarvik FK", "IFK Norrfjäll", "Vintermo", "Lillsjö FF", "Havnes IL", "Kivilampi",
        "Rødnes" } },
};

static double strength(unsigned team)
{
    double middle = (TEAMS_OF_LEAGUE - 1) / 2.0;

    return SPREAD * (middle - team % TEAMS_OF_LEAGUE) / middle;
}

void teams_means(unsigned home, unsigned away, double mean[2])
{
    double level = teams_leagues[home / TEAMS_OF_LEAGUE].goals / 2;
    double difference = strength(home) - strength(away);

    mean[0] = level * exp(difference) * HOME_ADVANTAGE;
    mean[1] = level * exp(-difference) / HOME_ADVANTAGE;
}

const char *teams_name(unsigned team)
{
    return teams_leagues[team / TEAMS_OF_LEAGUE].teams[team % TEAMS_OF_LEAGUE];
}

unsigned teams_league(unsigned team)
{
    return team / TEAMS_OF_LEAGUE;
}
