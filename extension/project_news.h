/*
 * project_news.h: telling people what was done to their place in a project.
 * Nobody is told of his own doing (see actor.h).
 */
#ifndef TT_PROJECT_NEWS_H
#define TT_PROJECT_NEWS_H

#include "timetrackr.h"

#include "commands/trigger.h"
#include "lib/stringinfo.h"

/*
 * Begin a payload about the project: {"project_id": …, "project_name": …
 * Returns the id of its owner; 0, and nothing is begun, when there is no such
 * project any more. Needs tt_spi_begin(), as all below.
 */
extern int64 tt_project_payload(StringInfo payload, int64 project_id);

/* AFTER ROW on project_members: tell the member, or the owner of who came or left. */
extern void tt_member_news(TriggerData *trigger);

/* BEFORE DELETE ROW on projects, while it has members: tell them. */
extern void tt_project_deleted_news(int64 project_id);

#endif
