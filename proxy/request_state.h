/*
 * request_state.h - what a request knows: shared by request.c and the
 * request_*.c beside it, and nobody else's business.
 */
#ifndef TIMETRACKR_REQUEST_STATE_H
#define TIMETRACKR_REQUEST_STATE_H

#include "identity.h"
#include "poll.h"
#include "answer_cache.h"
#include "request.h"
#include "stream.h"

enum state
{
	NEW,
	IDENTIFIED,					/* whose token it is, is being found out */
	JOINED,						/* it waits for the cache */
	ACCELERATED,
	QUERIED,
	WAITING,					/* for an event */
	ANSWERED
};

struct request
{
	struct service *service;
	struct request_client client;
	enum state	state;
	bool		running;		/* within request_run(): no callback is wanted */
	bool		working;		/* a lane or an accelerator holds it */
	bool		released;		/* the HTTP side has let go */
	bool		refused;		/* `problem` is the answer, once the body has been read */
	uint64_t	started;		/* µs */
	uint64_t	identified;		/* µs: when the database said whose token it is; 0: it was not asked */
	struct request_head head;
	struct arena arena;
	struct target target;
	struct admission admission;
	struct text body;
	size_t		body_length;	/* read so far, stored or not */
	struct param_values values;
	bool		has_key;		/* it has an effect once; key and fingerprint stand behind its values */
	struct identity_wait identity;
	struct cache_wait wait;
	struct stamp stamp;			/* taken before the query was sent */
	struct lane_job job;
	struct loop_timer deadline;
	struct problem problem;
	struct answer answer;
	struct stream stream;		/* of an answer that comes page by page */
	int64_t		live_after;		/* of an upgrade: the last event that the client has seen; -1: none */
	bool		holds_place;	/* for a live connection */
	struct poll_waiter waiter;	/* of one that waits for events */
	char		position[24];	/* of the newest event that its statement saw */
	struct request *next_spare;	/* when it is over */
};

/* Find out who the newcomer is, then request_start() it: IDENTIFIED. */
void		request_identify(struct request *request);

/* Wait for that no more. */
void		request_leave_identity(struct request *request);

/* Its user is known, or there is none: begin with the work. */
void		request_start(struct request *request);

/* Run its statement: QUERIED. */
void		request_query(struct request *request);

/*
 * Ask the route's accelerator; false: there is none, or it declines. With a
 * token SQL answers, since only SQL knows whether the token's user still exists.
 */
bool		request_accelerate(struct request *request);

/* The answer is built: complete it with what all have, log it, tell the HTTP side. ANSWERED. */
void		request_finish(struct request *request);

/* Report it, if its answer is a failure of ours. */
void		request_report(const struct request *request);

/* Free it when nobody holds it any more. */
void		request_let_go(struct request *request);

/* The same with `problem` as the answer. */
void		request_finish_with_problem(struct request *request);

/* The same with a problem of this status and code; they are not copied. */
void		request_fail(struct request *request, int status, const char *code, const char *detail);

/* Of a lane's job: is its request still to be answered? */
bool		request_is_wanted(const struct lane_job *job);

/* The deadline has come: of a timer. */
void		request_too_late(void *arg);

/* Answer a route of the proxy's own. */
void		request_run_builtin(struct request *request);

/*
 * Have the cache answer, now or later; false: the request is not for it. It is for visitors, for
 * viewers on a route that asks who looks while answers are kept for
 * each, and on one that does not ask for those who are known to exist.
 */
bool		request_use_cache(struct request *request);

/*
 * Does it have an Idempotency-Key, and its route a use for it? Then note it behind the values.
 * False with the problem set when the key is none.
 */
bool		request_note_key(struct request *request);

/* Is its body a picture itself, by its type, on a route that takes one? */
bool		request_brings_image(const struct request *request);

/* Has Cloudinary signed what is said to come from there? True, too, where nothing is; false with the problem set. */
bool		request_check_upload(struct request *request);

/* Wait for the cache no more. */
void		request_leave_cache(struct request *request);

/* The database has answered, and the client does not know it yet: note what the cache must know. */
void		request_tell_cache(struct request *request, const struct db_result *result);

/*
 * Of a list as CSV the first page is there: the rest will be read as a stream.
 * One that is the last page, too, becomes the answer's body.
 */
void		request_begin_stream(struct request *request, const struct db_result *first);

/* Answer an upgrade to a WebSocket: 101, or false with the problem set. */
bool		request_upgrade(struct request *request);

/* A list of events is about to be asked for. False: too many wait for theirs. */
bool		request_begin_poll(struct request *request);

/* The list is there; when it is empty and there is time left the request waits, or asks again: true. */
bool		request_polls_on(struct request *request, const struct db_result *result);

/* The list has become the answer: say where to go on. */
void		request_link_events(struct request *request, const struct db_result *result);

#endif
