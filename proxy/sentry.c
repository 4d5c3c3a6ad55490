/*
 * sentry.c - a table of issues, and the thread that sends them.
 *
 * An issue is what events of one group have in common. Its place in the table is the queue, too: it waits, is
 * being sent, and is then kept until its minute is over, while others of its group are only counted.
 * The lock guards the table; an issue that is being sent is touched by others only where they count.
 */
#include "sentry.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "log.h"
#include "loop.h"
#include "sentry_limit.h"
#include "sentry_post.h"

#define ISSUES_MAX 32
/* Requests to the server at a time. */
#define POSTS_MAX 2

/* All in ms. */
#define WINDOW 60000			/* the same is told once in so long */
#define TICK 500
#define SEND_LIMIT 5000
#define RETRY_PAUSE 5000		/* times the number of the attempt */
#define FLUSH_LIMIT 2000

#define ATTEMPTS_MAX 3

enum issue_state
{
	FREE,
	WAITING,
	SENDING,
	TOLD						/* its minute is not over */
};

struct issue
{
	struct sentry *sentry;
	enum issue_state state;
	unsigned	attempts;
	uint64_t	due;			/* WAITING: not before this time */
	uint64_t	until;			/* TOLD: the end of its minute */
	uint64_t	more;			/* of its group, since it was told */
	struct sentry_event event;
	struct sentry_post post;
};

struct sentry
{
	struct sentry_origin origin;
	struct sentry_counters counters;
	pthread_t	thread;
	struct loop *loop;
	pthread_mutex_t lock;
	struct issue issues[ISSUES_MAX];
	/* of its thread alone from here */
	struct outbound *outbound;	/* NULL until there was something to send */
	struct sentry_limit limit;
	struct loop_timer tick;
	struct loop_timer flush_limit;
	bool		closing;
	bool		in_trouble;		/* what was sent last was not taken */
};

static void work(void *arg);

static void
count(_Atomic uint64_t *counter)
{
	atomic_fetch_add_explicit(counter, 1, memory_order_relaxed);
}

/* ---- what others call ---- */

/* The issue of a group; else a place for a new one, which is FREE; NULL: there is none. */
static struct issue *
find_issue(struct sentry *sentry, const char *group)
{
	struct issue *place = NULL;

	for (size_t i = 0; i < ISSUES_MAX; i++)
	{
		struct issue *issue = &sentry->issues[i];

		if (issue->state == FREE)
			place = place != NULL ? place : issue;
		else if (strcmp(issue->event.group, group) == 0)
			return issue;
	}
	return place;
}

void
sentry_report(struct sentry *sentry, const struct sentry_event *event)
{
	struct issue *issue;
	bool		is_new = false;

	if (sentry == NULL)
		return;
	pthread_mutex_lock(&sentry->lock);
	issue = find_issue(sentry, event->group);
	if (issue == NULL)
		count(&sentry->counters.dropped);
	else if (issue->state != FREE)
	{
		issue->more++;
		count(&sentry->counters.repeated);
	}
	else
	{
		issue->event = *event;
		issue->attempts = 0;
		issue->due = 0;
		issue->more = 0;
		issue->state = WAITING;
		is_new = true;
	}
	pthread_mutex_unlock(&sentry->lock);
	/* without memory for that it is sent with the next one */
	if (is_new)
		(void) loop_post(sentry->loop, work, sentry);
}

/* ---- sending ---- */

/* Tell of trouble once, and of its end. */
static void
note_trouble(struct sentry *sentry, const struct outbound_answer *answer)
{
	bool		taken = answer->status >= 200 && answer->status < 300;
	const char *why = answer->status == 0 ? answer->why : answer->status == 429 ? "429 Too Many Requests"
		: answer->status >= 500 ? "the server fails" : "the server refuses the report or the key";

	if (!taken && !sentry->in_trouble)
		log_event(LEVEL_WARN, "sentry_refused", "error", why, NULL);
	else if (taken && sentry->in_trouble)
		log_event(LEVEL_INFO, "sentry_accepts", NULL);
	sentry->in_trouble = !taken;
}

/* It is over with an issue, well or badly. */
static void
settle(struct issue *issue, _Atomic uint64_t *counter)
{
	count(counter);
	issue->state = TOLD;
	issue->until = loop_now(issue->sentry->loop) + WINDOW;
}

static void
answered(void *arg, const struct outbound_answer *answer)
{
	struct issue *issue = arg;
	struct sentry *sentry = issue->sentry;
	uint64_t	now = loop_now(sentry->loop);

	sentry_post_end(&issue->post);
	sentry_limit_note(&sentry->limit, now, answer->status, answer->retry_after, answer->header);
	note_trouble(sentry, answer);
	pthread_mutex_lock(&sentry->lock);
	if (answer->status >= 200 && answer->status < 300)
		settle(issue, &sentry->counters.sent);
	else if (answer->status == 429)
		settle(issue, &sentry->counters.dropped);
	else if ((answer->status != 0 && answer->status < 500) || ++issue->attempts == ATTEMPTS_MAX || sentry->closing)
		settle(issue, &sentry->counters.failed);
	else
	{
		issue->state = WAITING;
		issue->due = now + RETRY_PAUSE * issue->attempts;
	}
	pthread_mutex_unlock(&sentry->lock);
	work(sentry);
}

/* A minute is over: tell of those that came meanwhile, or forget the issue. */
static void
end_minute(struct issue *issue)
{
	struct sentry_event now;

	if (issue->more == 0)
	{
		issue->state = FREE;
		return;
	}
	sentry_event_begin(&now, issue->event.level, issue->event.logger);
	issue->event.at = now.at;
	issue->event.repeated = issue->more;
	issue->more = 0;
	issue->attempts = 0;
	issue->due = 0;
	issue->state = WAITING;
}

/* An issue whose turn it is, SENDING from now on; NULL: none. */
static struct issue *
take_issue(struct sentry *sentry)
{
	uint64_t	now = loop_now(sentry->loop);
	struct issue *taken = NULL;

	pthread_mutex_lock(&sentry->lock);
	for (size_t i = 0; i < ISSUES_MAX && taken == NULL; i++)
	{
		struct issue *issue = &sentry->issues[i];

		if (issue->state == TOLD && (now >= issue->until || (sentry->closing && issue->more > 0)))
			end_minute(issue);
		if (issue->state != WAITING || (now < issue->due && !sentry->closing))
			continue;
		if (sentry_limit_is_silenced(&sentry->limit, now))
			settle(issue, &sentry->counters.dropped);
		else if (sentry->closing || sentry_limit_take(&sentry->limit, now))
		{
			issue->state = SENDING;
			taken = issue;
		}
	}
	pthread_mutex_unlock(&sentry->lock);
	return taken;
}

/* Send what may be sent. */
static void
send_issues(struct sentry *sentry)
{
	struct issue *issue;

	while ((sentry->outbound == NULL || outbound_running(sentry->outbound) < POSTS_MAX) &&
		   (issue = take_issue(sentry)) != NULL)
	{
		if (sentry->outbound == NULL)
			sentry->outbound = outbound_open(sentry->loop, POSTS_MAX);
		if (sentry->outbound != NULL &&
			sentry_post_begin(&issue->post, sentry->outbound, &sentry->origin, &issue->event, SEND_LIMIT, answered, issue))
			continue;
		sentry_post_end(&issue->post);
		pthread_mutex_lock(&sentry->lock);
		settle(issue, &sentry->counters.failed);
		pthread_mutex_unlock(&sentry->lock);
	}
}

/* Is there an issue in one of the states up to this one, FREE left out? */
static bool
has_issue(struct sentry *sentry, enum issue_state last)
{
	bool		found = false;

	pthread_mutex_lock(&sentry->lock);
	for (size_t i = 0; i < ISSUES_MAX; i++)
		found = found || (sentry->issues[i].state != FREE && sentry->issues[i].state <= last);
	pthread_mutex_unlock(&sentry->lock);
	return found;
}

/* Look after the table; again after a while, as long as something is in it. */
static void
work(void *arg)
{
	struct sentry *sentry = arg;

	send_issues(sentry);
	log_flush();
	if (sentry->closing && !has_issue(sentry, SENDING))
		loop_stop(sentry->loop);
	else if (has_issue(sentry, TOLD))
		loop_timer_set(sentry->loop, &sentry->tick, TICK, work, sentry);
}

/* ---- life ---- */

static void *
run(void *arg)
{
	struct sentry *sentry = arg;

	if (!loop_run(sentry->loop))
		log_event(LEVEL_ERROR, "loop_failed", "error", "reports are not sent any more", NULL);
	sentry->closing = true;
	outbound_close(sentry->outbound);
	loop_timer_stop(sentry->loop, &sentry->tick);
	loop_timer_stop(sentry->loop, &sentry->flush_limit);
	log_finish();
	return NULL;
}

static void
give_up(void *arg)
{
	struct sentry *sentry = arg;

	loop_stop(sentry->loop);
}

static void
begin_flush(void *arg)
{
	struct sentry *sentry = arg;

	sentry->closing = true;
	loop_timer_set(sentry->loop, &sentry->flush_limit, FLUSH_LIMIT, give_up, sentry);
	work(sentry);
}

static void
release(struct sentry *sentry)
{
	pthread_mutex_destroy(&sentry->lock);
	loop_free(sentry->loop);
	free(sentry);
}

struct sentry *
sentry_start(const struct config *config, bool *failed)
{
	struct sentry *sentry;

	*failed = config->sentry.key != NULL;
	if (config->sentry.key == NULL)
		return NULL;
	sentry = calloc(1, sizeof *sentry);
	if (sentry == NULL)
		return NULL;
	sentry_origin_find(&sentry->origin, &config->sentry, config->sentry_environment);
	pthread_mutex_init(&sentry->lock, NULL);	/* cannot fail with default attributes on Linux */
	for (size_t i = 0; i < ISSUES_MAX; i++)
		sentry->issues[i].sentry = sentry;
	sentry->loop = loop_create();
	if (sentry->loop == NULL || pthread_create(&sentry->thread, NULL, run, sentry) != 0)
	{
		release(sentry);
		return NULL;
	}
	*failed = false;
	return sentry;
}

void
sentry_stop(struct sentry *sentry)
{
	if (sentry == NULL)
		return;
	if (!loop_post(sentry->loop, begin_flush, sentry))
		loop_stop(sentry->loop);
	pthread_join(sentry->thread, NULL);	/* cannot fail: it is joined once */
	release(sentry);
}

const struct sentry_counters *
sentry_counters(const struct sentry *sentry)
{
	static const struct sentry_counters none;

	return sentry != NULL ? &sentry->counters : &none;
}
