/*
 * reads.c - a waiting room, out of which reads go on before each wait of the loop.
 *
 * Answers of the servers only change what is known; whatever follows from that is done in one place, the hook.
 */
#include "reads.h"

#include <stdlib.h>
#include <string.h>

#include "horizon.h"
#include "log.h"
#include "standby.h"
#include "statement.h"

/* Connections to standbys: two to a single one, as to the primary. */
#define STANDBYS_MAX DB_HOSTS_MAX
#define STANDBYS_LEAST 2
/* A standby takes so many reads at a time. */
#define LOAD_MOST 32
#define ROOM_LIMIT 4096

/* All in µs. A server is asked so often while a read waits, while one is behind for long, and while nobody asks for anything. */
#define PACE 1000
#define PACE_BEHIND 20000
#define PACE_IDLE 250000
#define PACE_REFUSED 5000000
/* The primary's connection is dropped when it says nothing for so long. */
#define SILENCE_LIMIT 5000		/* ms */

struct reads
{
	struct loop *loop;
	struct reads_options options;
	struct loop_hook hook;
	struct db  *primary;		/* asked how far it is, and nothing else; NULL without standbys */
	bool		asked;			/* and has not answered yet */
	uint64_t	asked_at;		/* µs */
	int64_t		identity;		/* of the primary's timeline; 0: not known */
	struct horizon horizon;
	struct lane *room;
	uint64_t	newest;			/* the need of the last one who came in */
	struct standby standbys[STANDBYS_MAX];
	enum standby_state states[STANDBYS_MAX];	/* as the log knows them */
	size_t		count;
	size_t		turn;			/* who is looked at first */
	uint64_t	reported_at;	/* µs; 0: there is news */
	struct db_query question;
};

static const struct db_statement written_statement = {
	.id = STATEMENT_WRITTEN,
	.sql = "SELECT CASE pg_catalog.current_setting('synchronous_commit') WHEN 'off' THEN pg_catalog.pg_current_wal_insert_lsn()"
	" ELSE pg_catalog.pg_current_wal_flush_lsn() END OPERATOR(pg_catalog.-) '0/0'::pg_catalog.pg_lsn"
};

/* ---- asking the primary ---- */

static void
ask(struct reads *reads, const struct db_statement *statement, const char *sql,
	void (*done) (struct db_query *query, struct db_result *result))
{
	reads->asked = true;
	reads->asked_at = loop_clock_us();
	reads->question = (struct db_query) {.statement = statement, .sql = sql, .done = done, .arg = reads};
	if (!db_send(reads->primary, &reads->question))
		db_reconnect(reads->primary, "the primary cannot be asked how far it is");
}

/* Has it answered? It may lack the extension, or the grants of this version. */
static const char *
value_of(struct reads *reads, const struct db_result *result)
{
	reads->asked = false;
	if (db_result_outcome(result) == DB_ERROR)
		log_event(LEVEL_ERROR, "reads_refused", "sqlstate", db_error_sqlstate(result), "error", db_error_message(result), NULL);
	return db_result_outcome(result) == DB_OK && db_result_rows(result) == 1 ? db_result_value(result, 0, 0) : NULL;
}

static void
told_written(struct db_query *query, struct db_result *result)
{
	struct reads *reads = query->arg;
	const char *place = value_of(reads, result);

	if (place != NULL)
		horizon_add(&reads->horizon, reads->asked_at, strtoull(place, NULL, 10));
}

/* Now those standbys can be told that have come to this timeline, too. */
static void
told_identity(struct db_query *query, struct db_result *result)
{
	struct reads *reads = query->arg;
	const char *identity = value_of(reads, result);

	reads->identity = identity != NULL ? strtoll(identity, NULL, 10) : 0;
}

static void
primary_up(void *arg)
{
	ask(arg, NULL, "SELECT identity FROM timetrackr.relay_state()", told_identity);
}

/* The next one may be another server. */
static void
primary_down(void *arg, const char *why)
{
	struct reads *reads = arg;

	(void) why;
	reads->asked = false;
	reads->identity = 0;
	reads->horizon.count = 0;
}

/* It is time to ask it: somebody waits for that, or nobody has asked for long. */
static void
ask_primary(struct reads *reads, uint64_t now)
{
	bool		is_wanted = lane_first(reads->room) != NULL && reads->newest >= reads->asked_at;
	uint64_t	pace = reads->identity == 0 ? PACE_REFUSED : is_wanted ? PACE : PACE_IDLE;

	if (reads->asked || !db_is_up(reads->primary) || now - reads->asked_at < pace)
		return;
	if (reads->identity == 0)
		primary_up(reads);
	else
		ask(reads, &written_statement, NULL, told_written);
}

/* ---- the standbys ---- */

/* Is it behind for longer than a read would wait? */
static bool
is_behind(const struct reads *reads, const struct standby *standby, uint64_t now)
{
	uint64_t	since = horizon_behind_since(&reads->horizon, standby->place);

	return since != 0 && now - since > reads->options.wait * 1000;
}

static void
ask_standbys(struct reads *reads, uint64_t now)
{
	for (size_t i = 0; i < reads->count; i++)
	{
		struct standby *standby = &reads->standbys[i];
		uint64_t	pace = PACE_IDLE;

		if (standby->known && horizon_behind_since(&reads->horizon, standby->place) != 0)
			pace = is_behind(reads, standby, now) ? PACE_BEHIND : PACE;
		if (now - standby->asked_at >= pace)
			standby_ask(standby, now);
	}
}

/* What has become known, or has not for long, shows up in the metrics and in the log. */
static void
report(struct reads *reads, uint64_t now)
{
	uint64_t	usable = 0;
	uint64_t	lag = 0;
	uint64_t	lag_bytes = 0;

	if (now - reads->reported_at < PACE_IDLE)
		return;
	reads->reported_at = now;
	for (size_t i = 0; i < reads->count; i++)
	{
		const struct standby *standby = &reads->standbys[i];
		enum standby_state state = standby_state(standby, reads->identity, now);
		uint64_t	since = horizon_behind_since(&reads->horizon, standby->place);
		uint64_t	end = horizon_end(&reads->horizon);

		if (state == STANDBY_UNFIT && reads->identity != 0 && reads->states[i] != state)
			log_event(LEVEL_WARN, "standby_unfit", "error", !standby->is_recovering ? "it is no standby"
					  : "it has not come to the primary's timeline, or follows another database", NULL);
		if (reads->identity != 0)
			reads->states[i] = state;
		if (state != STANDBY_SOUND)
			continue;
		usable += !is_behind(reads, standby, now);
		lag = since != 0 && now - since > lag ? now - since : lag;
		lag_bytes = since != 0 && end - standby->place > lag_bytes ? end - standby->place : lag_bytes;
	}
	counter_set(&reads->options.metrics->usable, usable);
	counter_set(&reads->options.metrics->lag, lag);
	counter_set(&reads->options.metrics->lag_bytes, lag_bytes);
}

static void
told(void *arg)
{
	struct reads *reads = arg;

	reads->reported_at = 0;
}

/* ---- where a read goes ---- */

/* Has it everything that was committed before a moment? */
static bool
has_all(const struct reads *reads, const struct standby *standby, uint64_t moment, uint64_t now)
{
	return standby_state(standby, reads->identity, now) == STANDBY_SOUND &&
		horizon_moment(&reads->horizon, standby->place) > moment;
}

/* The least busy of the standbys that can answer it, those that are alike in turn; NULL: none. */
static struct standby *
choose(struct reads *reads, const struct lane_job *job, uint64_t now)
{
	struct standby *best = NULL;
	size_t		least = LOAD_MOST;

	for (size_t i = 0; i < reads->count; i++)
	{
		struct standby *standby = &reads->standbys[(reads->turn + i) % reads->count];

		if (!has_all(reads, standby, job->need, now) || lane_load(standby->lane) >= least)
			continue;
		least = lane_load(standby->lane);
		best = standby;
	}
	reads->turn++;
	return best;
}

/* Why a read that came at a moment can't be answered by any standby; READS_STANDBY: it can still wait. */
static enum read_target
why_not(const struct reads *reads, uint64_t moment, uint64_t now)
{
	enum read_target why = READS_AWAY;

	if (reads->identity == 0)
		return READS_PRIMARY_SILENT;
	for (size_t i = 0; i < reads->count; i++)
	{
		const struct standby *standby = &reads->standbys[i];
		enum standby_state state = standby_state(standby, reads->identity, now);

		if (state == STANDBY_SOUND && !is_behind(reads, standby, now))
		{
			if (now - moment <= reads->options.wait * 1000)
				return READS_STANDBY;
			return has_all(reads, standby, moment, now) ? READS_BUSY : READS_BEHIND;
		}
		if (state == STANDBY_SOUND)
			why = READS_BEHIND;
		else if (state == STANDBY_UNFIT && why == READS_AWAY)
			why = READS_UNFIT;
	}
	return why;
}

/* Send on whoever need not wait any more; true when somebody was sent to the primary. */
static bool
empty_room(struct reads *reads, uint64_t now)
{
	bool		to_primary = false;
	const struct lane_job *job;

	while ((job = lane_first(reads->room)) != NULL)
	{
		struct standby *standby = choose(reads, job, now);
		enum read_target target = standby != NULL ? READS_STANDBY : why_not(reads, job->need, now);

		if (standby == NULL && target == READS_STANDBY)
			break;
		counter_add(&reads->options.metrics->targets[target], 1);
		to_primary = to_primary || standby == NULL;
		lane_pass_on(reads->room, standby != NULL ? standby->lane : reads->options.primary);
	}
	return to_primary;
}

/* In how many ms to look again, if nothing happens. */
static int
next_look(const struct reads *reads, uint64_t now)
{
	int			pause = lane_first(reads->room) != NULL ? PACE / 1000 : PACE_IDLE / 1000;

	for (size_t i = 0; i < reads->count && pause > PACE / 1000; i++)
	{
		const struct standby *standby = &reads->standbys[i];

		if (standby->known && horizon_behind_since(&reads->horizon, standby->place) != 0)
			pause = is_behind(reads, standby, now) ? PACE_BEHIND / 1000 : PACE / 1000;
	}
	return pause;
}

/* Before each wait: ask for what is needed, and let go who has what he needs. */
static int
before_wait(void *arg)
{
	struct reads *reads = arg;
	uint64_t	now = loop_clock_us();

	if (empty_room(reads, now))
		return 0;				/* the hooks that send to the primary ran already */
	ask_primary(reads, now);
	ask_standbys(reads, now);
	report(reads, now);
	return next_look(reads, now);
}

bool
reads_submit(struct reads *reads, struct lane_job *job)
{
	uint64_t	now;
	enum read_target target;

	if (reads->count == 0)
		return lane_submit(reads->options.primary, job);
	now = loop_clock_us();
	target = why_not(reads, now, now);
	if (target != READS_STANDBY)
	{
		counter_add(&reads->options.metrics->targets[target], 1);
		return lane_submit(reads->options.primary, job);
	}
	job->need = now;
	reads->newest = now;
	return lane_submit(reads->room, job);
}

/* ---- life ---- */

/* Connect to every host; to a single one twice. */
static bool
open_standbys(struct reads *reads, const struct lane_options *options)
{
	char	   *urls[DB_HOSTS_MAX];
	size_t		hosts = db_url_hosts(reads->options.url, urls);
	size_t		wanted = hosts < STANDBYS_LEAST ? STANDBYS_LEAST : hosts;
	bool		good = hosts > 0;

	for (size_t i = 0; good && i < wanted; i++)
	{
		struct lane_options one = *options;

		one.url = urls[i % hosts];
		good = standby_open(&reads->standbys[i], reads->loop, one, told, reads);
		reads->count += good;
	}
	for (size_t i = 0; i < hosts; i++)
		db_url_free(urls[i]);
	return good;
}

static bool
open_servers(struct reads *reads)
{
	const struct reads_options *options = &reads->options;
	struct db_options primary = {
		.url = options->primary_url, .name = "timetrackr horizon", .silence_limit = SILENCE_LIMIT,
		.up = primary_up, .down = primary_down, .arg = reads
	};
	struct lane_options room = {
		.name = "standby", .queue_limit = ROOM_LIMIT, .metrics = options->lane_metrics
	};
	struct lane_options standby = {
		.name = "standby", .connections = 1, .depth = 16, .queue_limit = ROOM_LIMIT, .only_reads = true,
		.statement_timeout = options->statement_timeout, .slow = options->slow, .metrics = options->lane_metrics,
		.standby = true, .alone = options->primary
	};

	/* before the hooks of its connections, which send what this one gives them */
	loop_hook_start(reads->loop, &reads->hook, before_wait, reads);
	reads->room = lane_open(reads->loop, &room);
	reads->primary = reads->room != NULL ? db_open(reads->loop, &primary) : NULL;
	return reads->primary != NULL && open_standbys(reads, &standby);
}

struct reads *
reads_open(struct loop *loop, const struct reads_options *options)
{
	struct reads *reads = calloc(1, sizeof *reads);

	if (reads == NULL)
		return NULL;
	reads->loop = loop;
	reads->options = *options;
	if (options->url == NULL || open_servers(reads))
		return reads;
	reads_close(reads);
	return NULL;
}

void
reads_close(struct reads *reads)
{
	if (reads == NULL)
		return;
	loop_hook_stop(reads->loop, &reads->hook);
	lane_close(reads->room);
	for (size_t i = 0; i < reads->count; i++)
		lane_close(reads->standbys[i].lane);
	db_close(reads->primary);
	free(reads);
}
