/*
 * Teams: the leagues that the simulator plays, with strengths.  None of them
 * exists.
 */
#ifndef FEED_TEAMS_H
#define FEED_TEAMS_H

#define TEAMS_LEAGUES 6
#define TEAMS_OF_LEAGUE 12
#define TEAMS_ALL (TEAMS_LEAGUES * TEAMS_OF_LEAGUE)

struct league {
    const char *name, *category;
    double goals;       /* of a match of two level sides */
    const char *teams[TEAMS_OF_LEAGUE]; /* the strongest first */
};

extern const struct league teams_leagues[TEAMS_LEAGUES];

/* Goals in a whole match, home and away, of two teams of one league
 * (numbers from 0 to TEAMS_ALL - 1). */
void teams_means(unsigned home, unsigned away, double mean[2]);
const char *teams_name(unsigned team);
unsigned teams_league(unsigned team);

#endif
