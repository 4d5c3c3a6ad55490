/*
 * relay.c - when to work, when to sleep; who leads is leader.c's.
 *
 * One thing at a time: a batch of events (batch.c), a page of a board that is
 * being built or compared (upkeep.c), a beat that says the boards are current, or a wait.
 * next() chooses; every answer leads back to it. What goes wrong with the
 * database connection is mended by a new one. While Redis is away events go
 * into the stream without it; later it is found to be behind, and built anew.
 *
 * Sleeping (see extension/wake.c): a relay that sleeps holds the wake lock
 * exclusively, and then writers send NOTIFY. It gets the lock only when no
 * writer that did not send one is still at work, looks at the outbox once more,
 * and then sleeps. It gives the lock back before it works.
 */
#include "relay.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "attachment.h"
#include "batch.h"
#include "db.h"
#include "leader.h"
#include "log.h"
#include "relay_report.h"
#include "sender.h"
#include "upkeep.h"

/* The key of an advisory lock; extension/timetrackr.h has the same. */
#define WAKE_LOCK "8391171951110545259"

/* All in ms. */
#define POLL_INTERVAL 50		/* while awake */
#define SAFETY_INTERVAL 1000	/* while asleep: for writers that have set timetrackr.notify = off themselves */
#define LINGER 500				/* stay awake so long after the last event */
#define BEAT_INTERVAL 1000
#define LAG_MOST 1000			/* boards further behind are not current */
#define PAUSE_LEAST 100			/* after something went wrong; doubles */
#define PAUSE_MOST 5000
#define SILENCE_LIMIT 30000

enum phase
{
	PHASE_AWAY,					/* no database */
	PHASE_FOLLOWING,			/* another one leads, or is about to */
	PHASE_LEADING
};

struct relay
{
	struct loop *loop;
	struct relay_options options;
	char		name[40];		/* of its connection, in the log */
	struct db  *db;
	struct board *board;		/* NULL: no Redis */
	struct sender *sender;		/* works while this one leads */
	enum phase	phase;
	bool		waiting;		/* the timer, NOTIFY or Redis leads on */
	bool		asleep;			/* the wake lock is held */
	bool		notified;		/* since the last look at the outbox */
	bool		page_is_due;	/* pages and batches take turns */
	uint64_t	busy_at;		/* when events were found last */
	uint64_t	beat_at;
	uint64_t	pause;
	struct loop_timer timer;
	struct leader leader;
	struct attachment redis;	/* attached: what Redis holds is known to be right */
	struct batch batch;
	struct relay_trouble trouble;
	bool		wakes;			/* writers wake one that sleeps; else it stays awake */
	char		keep_seconds[24];
	struct upkeep upkeep;
	struct db_query query;
	struct db_query aside;		/* runs beside the others */
};

static void next(void *arg);
static void take_stock(void *arg);

static const char *const session_settings[] = {
	/* So that the server notices when this machine is gone, and another relay may lead. */
	"tcp_keepalives_idle", "10",
	"tcp_keepalives_interval", "5",
	"tcp_keepalives_count", "3",
	"idle_in_transaction_session_timeout", "60000",
	"statement_timeout", "25000",
	NULL
};

static void
ask(struct relay *relay, struct db_query *query, const char *sql,
	void (*done) (struct db_query *query, struct db_result *result))
{
	*query = (struct db_query) {.sql = sql, .done = done, .arg = relay};
	if (!db_send(relay->db, query))
		db_reconnect(relay->db, "the relay cannot send a statement");
}

static void
wait_for(struct relay *relay, uint64_t delay, loop_timer_fn *then)
{
	relay->waiting = true;
	loop_timer_set(relay->loop, &relay->timer, delay, then, relay);
}

static void
stop_waiting(struct relay *relay)
{
	relay->waiting = false;
	loop_timer_stop(relay->loop, &relay->timer);
}

/* Something is wrong: wait longer each time. */
static void
pause_for(struct relay *relay, loop_timer_fn *then)
{
	wait_for(relay, relay->pause, then);
	relay->pause = relay->pause * 2 < PAUSE_MOST ? relay->pause * 2 : PAUSE_MOST;
}

/* What Redis holds is not known to be right any more. */
static void
detach(struct relay *relay)
{
	attachment_lose(&relay->redis);
	relay->beat_at = 0;
	upkeep_abandon(&relay->upkeep);
}

/* This process leads, or does no longer. */
static void
lead(struct relay *relay, bool leads)
{
	sender_lead(relay->sender, leads);
	if (relay->options.leads != NULL)
		relay->options.leads(relay->options.arg, leads);
}

/* The connection is new, or what it holds is in doubt. */
static void
forget(struct relay *relay)
{
	stop_waiting(relay);
	detach(relay);
	leader_resign(&relay->leader);
	lead(relay, false);
	relay->asleep = false;
	batch_abandon(&relay->batch);
	if (relay->board != NULL)
		board_forget_call(relay->board);
}

/* All over again: a new connection holds no lock and no doubt. */
static void
restart(void *arg)
{
	struct relay *relay = arg;

	stop_waiting(relay);
	db_reconnect(relay->db, "the relay begins again");
}

/* The extension is missing, or not granted to us: try all over again after a pause. */
static void
refused(void *arg, const struct db_result *result)
{
	struct relay *relay = arg;

	log_event(LEVEL_ERROR, "relay_refused", "connection", relay->name, "sqlstate", db_error_sqlstate(result),
			  "error", db_error_message(result), NULL);
	relay_trouble_begin(&relay->trouble, db_error_sqlstate(result), db_error_message(result));
	forget(relay);
	relay->phase = PHASE_AWAY;
	pause_for(relay, restart);
}

/* Is this answer of interest, and not an error? */
static bool
is_good(struct relay *relay, const struct db_result *result)
{
	if (relay->phase == PHASE_AWAY || db_result_outcome(result) == DB_LOST)
		return false;
	if (db_result_outcome(result) == DB_OK)
		return true;
	refused(relay, result);
	return false;
}

static void
acknowledged(struct db_query *query, struct db_result *result)
{
	(void) is_good(query->arg, result);
}

/* Give the wake lock back: from now on writers need not notify. */
static void
wake_up(void *arg)
{
	struct relay *relay = arg;

	if (!relay->asleep)
		return;
	relay->asleep = false;
	ask(relay, &relay->aside, "SELECT pg_advisory_unlock(" WAKE_LOCK ")", acknowledged);
}

/* Something went wrong: look at both stores again, after a pause. */
static void
doubt(struct relay *relay)
{
	wake_up(relay);
	detach(relay);
	relay_trouble_begin(&relay->trouble, "", "PostgreSQL or Redis has refused something: see the log");
	pause_for(relay, take_stock);
}

/* The wake lock was asked for. */
static void
sleep_locked(struct db_query *query, struct db_result *result)
{
	struct relay *relay = query->arg;

	if (!is_good(relay, result))
		return;
	if (strcmp(db_result_value(result, 0, 0), "t") != 0)
	{
		/* A writer that counts on us is at work. */
		wait_for(relay, POLL_INTERVAL, next);
		return;
	}
	/* Look once more: what writers that did not notify have left is committed now. */
	relay->asleep = true;
	next(relay);
}

/* In how many ms is there something to do for the boards? */
static uint64_t
next_upkeep(const struct relay *relay)
{
	return relay->redis.attached ? upkeep_wait(&relay->upkeep, loop_now(relay->loop)) : UINT64_MAX;
}

/* The outbox is empty, and Redis has heard so: nothing is left but to wait. */
static void
rest(struct relay *relay)
{
	uint64_t	upkeep = next_upkeep(relay);

	if (relay->notified || upkeep == 0)
		next(relay);
	else if (relay->asleep)
		wait_for(relay, upkeep < SAFETY_INTERVAL ? upkeep : SAFETY_INTERVAL, next);
	else if (!relay->wakes || loop_now(relay->loop) < relay->busy_at + LINGER)
		wait_for(relay, POLL_INTERVAL, next);
	else
		ask(relay, &relay->query, "SELECT pg_try_advisory_lock(" WAKE_LOCK ")", sleep_locked);
}

static void
beaten(void *arg, enum board_answer answer, const char *name)
{
	struct relay *relay = arg;

	if (answer != BOARD_OK && answer != BOARD_MISSING)
	{
		doubt(relay);
		return;
	}
	relay->beat_at = loop_now(relay->loop);
	if (answer == BOARD_MISSING)
		upkeep_build(&relay->upkeep, name);
	if (relay->batch.claimed > 0)
		next(relay);
	else
		rest(relay);
}

static void
index_read(struct db_query *query, struct db_result *result)
{
	struct relay *relay = query->arg;

	if (is_good(relay, result) &&
		!board_beat(relay->board, relay->options.identity->value, relay->batch.position,
					db_result_value(result, 0, 0), beaten, relay))
		doubt(relay);
}

static void
batch_done(void *arg, enum batch_outcome outcome)
{
	struct relay *relay = arg;
	bool		beat_is_due = relay->redis.attached && loop_now(relay->loop) >= relay->beat_at + BEAT_INTERVAL;

	if (outcome == BATCH_HELD || outcome == BATCH_STALE)
	{
		doubt(relay);
		return;
	}
	relay->pause = PAUSE_LEAST;
	relay_trouble_end(&relay->trouble);
	if (relay->batch.claimed > 0)
		relay->busy_at = loop_now(relay->loop);
	if (beat_is_due && (outcome == BATCH_NOTHING ||
						(relay->batch.claimed > 0 && relay->batch.age <= LAG_MOST)))
		ask(relay, &relay->query, "SELECT timetrackr.board_index()", index_read);
	else if (outcome == BATCH_NOTHING)
		rest(relay);
	else
		next(relay);
}

static void
page_done(void *arg, enum rebuild_outcome outcome)
{
	struct relay *relay = arg;

	if (outcome != REBUILD_MORE)
		relay->beat_at = 0;		/* ask at once for the next one to build */
	if (outcome == REBUILD_STALE || outcome == REBUILD_HELD)
		doubt(relay);
	else
		next(relay);
}

/* Is Redis asked, or waited for a moment? Else it is attached, or done without. */
static bool
awaits_redis(struct relay *relay)
{
	enum attachment_step step = attachment_seek(&relay->redis);

	if (step == ATTACHMENT_SETTLED)
		return false;
	wake_up(relay);
	if (step == ATTACHMENT_WAIT)
		wait_for(relay, POLL_INTERVAL, next);
	return true;
}

/* Do the next thing. */
static void
next(void *arg)
{
	struct relay *relay = arg;

	stop_waiting(relay);
	if (relay->notified)
		wake_up(relay);
	if (awaits_redis(relay))
		return;
	if (leader_report_is_due(&relay->leader))
	{
		leader_report(&relay->leader);
		return;
	}
	if (relay->page_is_due && next_upkeep(relay) == 0)
	{
		relay->page_is_due = false;
		upkeep_page(&relay->upkeep, loop_now(relay->loop));
		return;
	}
	relay->page_is_due = true;
	relay->notified = false;
	relay->batch.board = relay->redis.attached ? relay->board : NULL;
	(void) batch_run(&relay->batch, loop_now(relay->loop), relay->asleep);	/* false: down() follows */
}

/* Now leaderboards know whose boards to believe, and the leader where to go on. */
static void
stock_taken(struct db_query *query, struct db_result *result)
{
	struct relay *relay = query->arg;

	if (!is_good(relay, result))
		return;
	if (db_result_rows(result) != 1)
	{
		log_event(LEVEL_ERROR, "relay_refused", "error", "timetrackr.install() has not been run", NULL);
		doubt(relay);
		return;
	}
	relay->options.identity->value = strtoll(db_result_value(result, 0, 0), NULL, 10);
	snprintf(relay->batch.position, sizeof relay->batch.position, "%s", db_result_value(result, 0, 1));
	relay->wakes = strcmp(db_result_value(result, 0, 2), "t") == 0;
	if (relay->phase == PHASE_LEADING)
		next(relay);
	else
		leader_campaign(&relay->leader);
}

/* Ask which database this is, and how far the last leader, or this one, has come. */
static void
take_stock(void *arg)
{
	struct relay *relay = arg;

	stop_waiting(relay);
	ask(relay, &relay->query, "SELECT identity, last_position, wakes FROM timetrackr.relay_state()", stock_taken);
}

/* This relay leads from now on. */
static void
elected(void *arg)
{
	struct relay *relay = arg;

	relay->phase = PHASE_LEADING;
	relay->notified = false;
	attachment_begin(&relay->redis);
	lead(relay, true);
	ask(relay, &relay->aside, "LISTEN timetrackr_wake", acknowledged);
	take_stock(relay);
}

/* Another one leads, and this one would notice if it did not. */
static void
follows(void *arg)
{
	struct relay *relay = arg;

	relay_trouble_end(&relay->trouble);
}

static void
events_died(void *arg, long events, const char *sqlstate, const char *message)
{
	const struct relay *relay = arg;

	relay_report_deaths(relay->options.sentry, events, sqlstate, message);
}

static void
database_up(void *arg)
{
	struct relay *relay = arg;

	forget(relay);
	relay->phase = PHASE_FOLLOWING;
	take_stock(relay);
}

static void
database_down(void *arg, const char *why)
{
	struct relay *relay = arg;

	if (relay->phase == PHASE_LEADING)
		log_event(LEVEL_WARN, "relay_leads_no_more", "connection", relay->name, "error", why, NULL);
	relay_trouble_begin(&relay->trouble, "", "it has no connection to PostgreSQL");
	forget(relay);
	relay->phase = PHASE_AWAY;
}

/* A writer has seen that the relay sleeps. */
static void
notified(void *arg, const char *channel, const char *payload)
{
	struct relay *relay = arg;

	(void) channel;
	(void) payload;
	relay->notified = true;
	if (relay->phase == PHASE_LEADING && relay->waiting && relay->asleep)
		next(relay);
}

static void
redis_up(void *arg)
{
	struct relay *relay = arg;

	if (relay->phase == PHASE_LEADING && relay->waiting && !relay->redis.attached)
		take_stock(relay);
}

struct relay *
relay_open(struct loop *loop, const struct relay_options *options)
{
	struct relay *relay = calloc(1, sizeof *relay);
	const struct config *config = options->config;
	bool		has_redis = options->redis != NULL && options->redis->host != NULL;
	struct db_options db_options = {
		.url = options->url, .settings = session_settings,
		.silence_limit = SILENCE_LIMIT, .up = database_up, .down = database_down,
		.notified = notified, .arg = relay
	};
	struct board_options board_options = {.server = options->redis, .metrics = options->redis_metrics, .up = redis_up, .arg = relay};

	if (relay == NULL)
		return NULL;
	relay->loop = loop;
	relay->options = *options;
	snprintf(relay->name, sizeof relay->name, "timetrackr relay%s%s", options->node != NULL ? " " : "",
			 options->node != NULL ? options->node : "");
	db_options.name = relay->name;
	relay->pause = PAUSE_LEAST;
	snprintf(relay->keep_seconds, sizeof relay->keep_seconds, "%ld", config->event_ttl);
	if (has_redis)
		relay->board = board_open(loop, &board_options);
	if (!has_redis || relay->board != NULL)
		relay->sender = sender_open(loop, config, options->url, options->metrics);
	if (relay->sender != NULL)
		relay->db = db_open(loop, &db_options);
	if (relay->db == NULL)
	{
		sender_close(relay->sender);
		board_close(relay->board);
		free(relay);
		return NULL;
	}
	relay->redis = (struct attachment) {
		.loop = loop, .board = relay->board, .identity = options->identity, .position = relay->batch.position,
		.answered = next, .arg = relay
	};
	relay->leader = (struct leader) {
		.loop = loop, .db = relay->db, .metrics = options->metrics, .node = options->node, .sends_mails = config->mail.server != NULL,
		.elected = elected, .reported = next,
		.follows = follows, .refused = refused, .arg = relay
	};
	relay->batch = (struct batch) {
		.db = relay->db, .keep_seconds = relay->keep_seconds, .metrics = options->metrics,
		.working = wake_up, .done = batch_done, .died = events_died, .arg = relay
	};
	relay->trouble = (struct relay_trouble) {.loop = loop, .sentry = options->sentry, .limit = RELAY_TROUBLE_LIMIT};
	relay_trouble_begin(&relay->trouble, "", "it has had no connection to PostgreSQL yet");
	upkeep_open(&relay->upkeep, relay->db, relay->board, relay->batch.position, config->redis_check_rate,
				page_done, relay);
	return relay;
}

const struct audit_counters *
relay_audit_counters(const struct relay *relay)
{
	return &relay->upkeep.counters;
}

void
relay_close(struct relay *relay)
{
	if (relay == NULL)
		return;
	relay->phase = PHASE_AWAY;
	forget(relay);
	sender_close(relay->sender);
	relay_trouble_end(&relay->trouble);
	db_close(relay->db);
	board_close(relay->board);
	batch_free(&relay->batch);
	free(relay);
}
