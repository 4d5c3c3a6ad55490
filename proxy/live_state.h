/*
 * live_state.h - what the files live*.c know together, and nobody else.
 *
 *   live.c         connections come and go, events are handed out
 *   live_client.c  what a client says, and for how long its token holds
 *   live_users.c   do the clients' users still exist?
 *   live_follow.c  who follows which project, and may he?
 *   live_resume.c  telling a client what it has missed
 */
#ifndef TIMETRACKR_LIVE_STATE_H
#define TIMETRACKR_LIVE_STATE_H

#include "feed.h"
#include "idmap.h"
#include "identity.h"
#include "live.h"
#include "live_recent.h"
#include "peer.h"
#include "text.h"

/* Most projects that a client follows. */
#define LIVE_FOLLOWS_MAX 100

/* What failed for want of a database is tried again after so many ms. */
#define LIVE_RETRY 1000

enum live_phase
{
	LIVE_NAMELESS,				/* its token is still to come */
	LIVE_CHECKED,				/* does its user exist? */
	LIVE_BEHIND,				/* told up to `position`, and not to be told of what comes */
	LIVE_CURRENT				/* told of everything as it comes */
};

struct live_follow;
struct live_page;

struct live_client
{
	struct peer peer;			/* the first member: a peer is cast to its client */
	struct live *live;
	enum live_phase phase;
	struct loop_timer deadline; /* for its token to come, to be checked, to expire */
	struct identity_wait identity;	/* whose token it is, is being found out */
	int64_t		wanted;			/* the project to follow once that is known; 0: none */
	int64_t		user_id;
	int64_t		expires;
	int64_t		position;		/* unless LIVE_CURRENT */
	bool		resumes;		/* `position` is what the client says, not what we know */
	bool		greeted;		/* was told that it is current */
	bool		verified;		/* `position` was looked up in the table, or is our own */
	bool		queued;			/* waits for a page, or for the feed */
	bool		drains;			/* has much to read before its next page */
	unsigned	holds;			/* projects that are being checked: it stays behind meanwhile */
	unsigned	errors;			/* told about its messages */
	struct live_page *page;		/* being read for it */
	struct live_follow *follows;
	unsigned	follow_count;
	uint64_t	opened;			/* ms */
	struct live_client *next;	/* of all */
	struct live_client *previous;
	struct live_client *next_of_user;
	struct live_client *previous_of_user;
	struct live_client *next_queued;
	struct live_client *previous_queued;
	char		request_id[];
};

/* Questions whether users exist: one is in flight at a time. */
struct live_users
{
	struct lane_job job;
	bool		in_flight;
	int64_t    *asked;			/* the users of the one in flight, then the ones for the next */
	size_t		asked_count;
	size_t		count;
	size_t		capacity;
	struct text list;
	const char *values[1];
	struct loop_timer timer;
};

struct live
{
	struct service *service;
	struct live_quota *quota;
	struct lane *lane;			/* that sees what the feed has told of */
	struct peer_host host;
	struct feed_listener listener;
	struct live_client *clients;
	struct idmap users;			/* → first client of each */
	struct idmap projects;		/* → struct live_project */
	struct live_recent recent;
	struct live_users checks;
	struct live_client *first_queued;	/* for a page */
	struct live_client *last_queued;
	size_t		queue_length;
	unsigned	pages;			/* being read */
	struct loop_timer queue_timer;
	struct text text;			/* a message being written */
	bool		stopped;
	void		(*drained) (void *arg);
	void	   *drained_arg;
};

/* ---- live.c ---- */

/* Send a message: of an event, or of our own with the id of an event it stands behind. `data` is a JSON object. */
void		live_tell_text(struct live_client *client, const char *topic, const char *data, size_t length,
						   int64_t id);
void		live_tell(struct live_client *client, const char *topic, const char *data, int64_t id);

/* The frame of an event; NULL when memory is out. */
struct frame *live_frame(struct live *live, int64_t id, const char *topic, const char *data, size_t length);

/* Its user is known now. Closes it when he has too many connections. */
void		live_name(struct live_client *client, int64_t user_id, int64_t expires);

/* ---- live_client.c ---- */

/* A new client: wait for its token. */
void		live_client_wait(struct live_client *client);

/* Its user is known and exists: from now on its token's end is waited for. */
void		live_client_admit(struct live_client *client);

/* The user is known: his existence has a while to be found out. */
void		live_client_check(struct live_client *client);

/* Tell it what it cannot have, about a project or (0) none. */
void		live_refuse(struct live_client *client, const char *code, const char *detail, int64_t project_id);

/* It says something. */
void		live_client_hear(struct live_client *client, const char *text, size_t length);

/* ---- live_users.c ---- */

/* Find out whether a client's user exists: soon, or with others in a while. */
void		live_users_ask(struct live *live, int64_t user_id, bool soon);
void		live_users_free(struct live *live);

/* ---- live_follow.c ---- */

/* Begin or cease to follow. The client is told of the outcome. */
void		live_follow(struct live_client *client, int64_t project_id);
void		live_unfollow(struct live_client *client, int64_t project_id);

/* The client ends: it follows nothing. */
void		live_follow_end(struct live_client *client);

/* Does it follow, and may it see, this project? */
bool		live_follows(const struct live_client *client, int64_t project_id);

/* A project has changed with this event: hold who follows it, and ask who still may. */
void		live_project_changed(struct live *live, int64_t project_id, int64_t event_id);

/* Send to those who follow the project, are current, and are not this user. */
void		live_follow_send(struct live *live, const struct feed_event *event, struct frame *frame);

/* Events of the projects it follows were passed over: tell it so. */
void		live_follow_reset(struct live_client *client);

/* ---- live_resume.c ---- */

/* Bring a client that is behind, and not held, up to date. */
void		live_resume(struct live_client *client);

/* The last event that it was told of, or passed over: it may resume after this one. */
int64_t		live_position(const struct live_client *client);

/* All that was sent to it is gone: go on. */
void		live_resume_drained(struct live_client *client);

/* Let it stay behind from before this event on, while a hold is on it. */
void		live_hold(struct live_client *client, int64_t before_id);
void		live_unhold(struct live_client *client);

/* The client ends. */
void		live_resume_end(struct live_client *client);

/* Events were lost, for everybody. */
void		live_resume_reset(struct live *live);

#endif
