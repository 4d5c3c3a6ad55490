/*
 * lane.c - hands jobs to the least busy connection, and repeats what may be repeated.
 */
#include "lane.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "job_queue.h"
#include "lane_report.h"
#include "metrics.h"
#include "quickness.h"

/* A lane without a connection keeps its queue for so long: time to reconnect once or twice. */
#define GRACE 1000				/* ms */
#define ATTEMPTS_MAX 4
/* A standby gets so long: whoever it leaves without an answer can still be given that of the primary. */
#define STANDBY_SILENCE 5000	/* ms */
/* Whether a job is still wanted is asked only after so long: it costs a system call. */
#define LONG_WAIT 250000		/* µs */
/*
 * Who has to wait for so long for a lock lets his batch go on without him. That is sooner than
 * PostgreSQL looks for deadlocks: a batch could meet one who deletes an account or a project.
 */
#define BATCH_LOCK_TIMEOUT "250ms"

/* So many quick reads may share a connection. Longer ones are spread, for backends to work side by side. */
#define QUICK_TOGETHER 8
/* They join nobody who waits for so many ms: he may wait for a lock. */
#define QUICK_WAITS 3

struct lane
{
	struct loop *loop;
	struct lane_options options;
	struct db  *connections[LANE_CONNECTIONS_MAX];
	size_t		slow[LANE_CONNECTIONS_MAX];	/* queries in flight there that are not quick */
	struct quickness quickness; /* of reads */
	struct job_queue queue;
	struct loop_timer grace;
	struct loop_hook hook;		/* sends batches */
	bool		dead;			/* without a connection beyond the grace */
	bool		closing;
	char		name[48];
	char		timeout_text[24];
	const char *settings[9];
};

static void dispatch(struct lane *lane);
static bool admit(struct lane *lane, struct lane_job *job);

/* Say that a job will not be run. */
static void
reject(struct lane *lane, struct lane_job *job)
{
	counter_add(&lane->options.metrics->rejected, 1);
	job->done(job, NULL);
}

/* Let a job, which is in no queue, go on in this lane, or have it say that it can't. */
static void
hand_over(struct lane *lane, struct lane_job *job)
{
	if (!admit(lane, job))
		reject(lane, job);
}

/* Let a job that does not get on here go on where such jobs go. */
static void
move(struct lane *lane, struct lane_job *job)
{
	counter_add(&lane->options.metrics->retries, 1);
	counter_add(&lane->options.metrics->moved, 1);
	hand_over(lane->options.alone, job);
}

/* May this result be answered by running the statement again? */
static bool
may_repeat(const struct lane_job *job, const struct db_result *result)
{
	const struct lane *lane = job->lane;
	bool		does_no_harm = lane->options.only_reads || job->repeatable;
	const char *sqlstate;

	if (job->attempts >= ATTEMPTS_MAX || lane->closing || job->stays)
		return false;
	if (db_result_outcome(result) == DB_SKIPPED)
		return true;
	if (db_result_outcome(result) == DB_LOST)
		return does_no_harm;
	if (db_result_outcome(result) != DB_ERROR)
		return false;
	sqlstate = db_error_sqlstate(result);
	/* Rolled back, or never begun: 26000 and 0A000 are stale prepared statements, 25006 comes of a server without writes. */
	if (strcmp(sqlstate, "40001") == 0 || strcmp(sqlstate, "40P01") == 0 || strcmp(sqlstate, "26000") == 0 ||
		strcmp(sqlstate, "0A000") == 0 || strcmp(sqlstate, "25006") == 0)
		return true;
	return does_no_harm &&
		(strncmp(sqlstate, "57P", 3) == 0 || strncmp(sqlstate, "08", 2) == 0);
}

/*
 * Does it have to go on in another lane? From a standby with whatever is no answer there. From a batch when the
 * server has taken back what that did, or the job waited too long for a lock; an error that ends the
 * session tells nothing of its batch.
 */
static bool
goes_on_elsewhere(const struct lane_job *job, const struct db_result *result)
{
	const struct lane *lane = job->lane;
	const char *sqlstate;

	if (lane->options.alone == NULL || lane->closing || job->stays)
		return false;
	if (lane->options.standby)
		return db_result_outcome(result) == DB_LOST ||
			(db_result_outcome(result) == DB_ERROR && !lane_is_refusal(db_error_sqlstate(result)));
	if (db_result_outcome(result) != DB_ERROR)
		return db_result_outcome(result) == DB_SKIPPED;
	sqlstate = db_error_sqlstate(result);
	return strcmp(sqlstate, "55P03") == 0 ||
		(job->shares && strncmp(sqlstate, "57P", 3) != 0 && strncmp(sqlstate, "08", 2) != 0);
}

/* A server that takes no writes has become a standby, or somebody has frozen it: perhaps another one is the primary. */
static void
leave_server_without_writes(struct lane *lane, int connection, const struct db_result *result)
{
	if (!lane->options.only_reads && db_result_outcome(result) == DB_ERROR &&
		strcmp(db_error_sqlstate(result), "25006") == 0)
		db_reconnect(lane->connections[connection], "the server takes no writes");
}

static void
query_done(struct db_query *query, struct db_result *result)
{
	struct lane_job *job = query->arg;
	struct lane *lane = job->lane;
	uint64_t	ran = loop_clock_us() - job->sent;

	leave_server_without_writes(lane, job->connection, result);
	if (!job->is_quick)
		lane->slow[job->connection]--;
	if (lane->options.only_reads && db_result_outcome(result) == DB_OK)
		quickness_note(&lane->quickness, job->statement, ran, job->rank);
	lane_count_result(&lane->options, job, result, ran);
	if (db_result_outcome(result) == DB_SKIPPED)
		job->attempts--;		/* it had none; what spoiled its group is answered and gone */
	if (goes_on_elsewhere(job, result))
		move(lane, job);
	else if (may_repeat(job, result))
	{
		counter_add(&lane->options.metrics->retries, 1);
		job_queue_add(&lane->queue, job, true);
	}
	else
	{
		lane_log_slow(&lane->options, job, ran);
		job->done(job, result);
	}
	dispatch(lane);
}

/* The connection with the fewest queries in flight that takes one more; -1: none. */
static int
least_busy(const struct lane *lane)
{
	int			best = -1;

	for (int i = 0; i < lane->options.connections; i++)
	{
		const struct db *db = lane->connections[i];

		if (!db_is_up(db) || db_in_flight(db) >= lane->options.depth)
			continue;
		if (best < 0 || db_in_flight(db) < db_in_flight(lane->connections[best]))
			best = i;
	}
	return best;
}

/* A connection that is busy with quick queries alone, and takes one more; -1: none. */
static int
busy_with_quick(const struct lane *lane)
{
	for (int i = 0; i < lane->options.connections; i++)
	{
		const struct db *db = lane->connections[i];

		if (db_is_up(db) && lane->slow[i] == 0 && db_in_flight(db) > 0 &&
			db_in_flight(db) < QUICK_TOGETHER && db_waits_for(db) < QUICK_WAITS)
			return i;
	}
	return -1;
}

/* The connection for a query, `idlest` being the least busy one. */
static int
choose(const struct lane *lane, bool is_quick, int idlest)
{
	int			shared = is_quick ? busy_with_quick(lane) : -1;

	return shared >= 0 ? shared : idlest;
}

/* The next waiting job that is still wanted; NULL: none. */
static struct lane_job *
next_wanted(struct lane *lane)
{
	while (lane->queue.first != NULL)
	{
		struct lane_job *job = job_queue_take(&lane->queue);

		if (loop_now_us(lane->loop) - job->since < LONG_WAIT || job->is_wanted(job))
			return job;
		reject(lane, job);
	}
	return NULL;
}

/* Send a job; joined: the next one is of the same transaction. */
static bool
send_job(struct lane *lane, int connection, struct lane_job *job, bool joined)
{
	struct db  *db = lane->connections[connection];

	job->query = (struct db_query) {
		.statement = job->statement,
		.value_count = job->value_count,
		.values = job->values,
		.binary_length = job->binary_length,
		.grouped = lane->options.only_reads && !job->stays,
		.joined = joined,
		.done = query_done,
		.arg = job,
	};
	if (!db_send(db, &job->query))
		return false;
	job->attempts++;
	job->connection = connection;
	job->sent = loop_clock_us();
	job->rank = db_in_flight(db);
	if (!job->is_quick)
		lane->slow[connection]++;
	counter_add(&lane->options.metrics->in_flight, 1);
	return true;
}

/* Send waiting jobs while connections take them. In a lane with batches that is for its hook. */
static void
dispatch(struct lane *lane)
{
	int			idlest;

	if (lane->options.batch > 0)
		return;
	while (!lane->closing && lane->queue.first != NULL && (idlest = least_busy(lane)) >= 0)
	{
		struct lane_job *job = next_wanted(lane);

		if (job == NULL)
			return;
		job->is_quick = lane->options.only_reads && quickness_is_quick(&lane->quickness, job->statement);
		if (!send_job(lane, choose(lane, job->is_quick, idlest), job, false))
			job_queue_add(&lane->queue, job, true);	/* that connection is down now: the next one is looked for */
	}
}

/* Take a batch out of the queue: by user, and in order of arrival for each. */
static size_t
gather(struct lane *lane, struct lane_job **batch)
{
	size_t		count = 0;
	struct lane_job *job;

	while (count < lane->options.batch && (job = next_wanted(lane)) != NULL)
	{
		size_t		at = count++;

		for (; at > 0 && batch[at - 1]->user_id > job->user_id; at--)
			batch[at] = batch[at - 1];
		batch[at] = job;
	}
	return count;
}

/* True when somebody was left out, and has been told. */
static bool
send_batch(struct lane *lane, int connection)
{
	struct lane_job *batch[LANE_BATCH_MAX];
	size_t		waiting = lane->queue.count;
	size_t		count = gather(lane, batch);
	size_t		sent = 0;
	bool		told = waiting > lane->queue.count + count;

	while (sent < count)
	{
		batch[sent]->shares = count > 1;
		batch[sent]->is_quick = false;
		if (!send_job(lane, connection, batch[sent], sent + 1 < count))
			break;
		sent++;
	}
	counter_add(&lane->options.metrics->batches, sent > 0);
	while (count > sent)
		job_queue_add(&lane->queue, batch[--count], true);
	return told;
}

/* Before each wait: what this pass has brought, and what has come while the connections were busy, goes now. */
static int
send_batches(void *arg)
{
	struct lane *lane = arg;
	int			idlest;
	bool		told = false;

	while (!lane->closing && lane->queue.first != NULL && (idlest = least_busy(lane)) >= 0)
		told = send_batch(lane, idlest) || told;
	return told ? 0 : -1;		/* what that has set off may need hooks that ran already */
}

/* Report every waiting job as not run. */
static void
fail_waiting(struct lane *lane)
{
	while (lane->queue.first != NULL)
		reject(lane, job_queue_take(&lane->queue));
}

static void
grace_over(void *arg)
{
	struct lane *lane = arg;

	lane->dead = true;
	fail_waiting(lane);
}

static void
connection_up(void *arg)
{
	struct lane *lane = arg;

	lane->dead = false;
	counter_add(&lane->options.metrics->connections_up, 1);
	counter_add(&lane->options.metrics->connects, 1);
	loop_timer_stop(lane->loop, &lane->grace);
	if (lane->options.changed != NULL)
		lane->options.changed(lane->options.arg, true);
	dispatch(lane);
}

/* What waits for a standby goes where it need not wait for its return; that may be another server by then. */
static void
leave_standby(struct lane *lane)
{
	while (lane->queue.first != NULL)
	{
		struct lane_job *job = job_queue_take(&lane->queue);

		if (job->stays)
			reject(lane, job);
		else
			move(lane, job);
	}
}

static void
connection_down(void *arg, const char *why)
{
	struct lane *lane = arg;

	(void) why;
	counter_add(&lane->options.metrics->connections_up, (uint64_t) -1);
	if (lane->options.changed != NULL)
		lane->options.changed(lane->options.arg, false);
	if (lane->options.standby)
		leave_standby(lane);
	if (!lane_is_up(lane) && !lane->dead && !lane->grace.active)
		loop_timer_set(lane->loop, &lane->grace, GRACE, grace_over, lane);
}

struct lane *
lane_open(struct loop *loop, const struct lane_options *options)
{
	struct lane *lane = calloc(1, sizeof *lane);
	int			count = 4;

	if (lane == NULL)
		return NULL;
	lane->loop = loop;
	lane->options = *options;
	lane->queue.gauge = &options->metrics->waiting;
	counter_add(&options->metrics->connections, (uint64_t) options->connections);
	snprintf(lane->timeout_text, sizeof lane->timeout_text, "%llu",
			 (unsigned long long) options->statement_timeout);
	lane->settings[0] = "statement_timeout";
	lane->settings[1] = lane->timeout_text;
	lane->settings[2] = "idle_in_transaction_session_timeout";
	lane->settings[3] = lane->timeout_text;
	if (options->batch > 0)
	{
		lane->settings[count++] = "lock_timeout";
		lane->settings[count++] = BATCH_LOCK_TIMEOUT;
		/* before the hooks of its connections, which send what this one gives them */
		loop_hook_start(loop, &lane->hook, send_batches, lane);
	}
	if (options->only_reads)
	{
		lane->settings[count++] = "default_transaction_read_only";
		lane->settings[count++] = "on";
	}
	if (options->nice != NULL)
	{
		lane->settings[count++] = "timetrackr.nice";
		lane->settings[count++] = options->nice;
	}
	snprintf(lane->name, sizeof lane->name, "timetrackr %s", options->name);
	for (int i = 0; i < options->connections; i++)
	{
		struct db_options connection = {
			.url = options->url,
			.name = lane->name,
			.settings = lane->settings,
			.any_server = options->standby,
			/* the server ends a statement itself; one that stays silent for longer is out of reach */
			.silence_limit = options->standby ? STANDBY_SILENCE : options->statement_timeout + 5000,
			.up = connection_up,
			.down = connection_down,
			.arg = lane,
		};

		lane->connections[i] = db_open(loop, &connection);
		if (lane->connections[i] == NULL)
		{
			lane_close(lane);
			return NULL;
		}
	}
	if (options->connections > 0)
		loop_timer_set(loop, &lane->grace, GRACE, grace_over, lane);
	return lane;
}

void
lane_close(struct lane *lane)
{
	if (lane == NULL)
		return;
	lane->closing = true;
	loop_timer_stop(lane->loop, &lane->grace);
	loop_hook_stop(lane->loop, &lane->hook);
	for (int i = 0; i < lane->options.connections; i++)
		db_close(lane->connections[i]);
	fail_waiting(lane);
	free(lane);
}

/* Let a job in; false: there is no room, or no connection. */
static bool
admit(struct lane *lane, struct lane_job *job)
{
	if (lane->dead || lane->closing || lane->queue.count >= lane->options.queue_limit)
		return false;
	job->lane = lane;
	job->shares = false;
	job_queue_add(&lane->queue, job, false);
	dispatch(lane);
	return true;
}

bool
lane_submit(struct lane *lane, struct lane_job *job)
{
	job->attempts = 0;
	job->since = loop_now_us(lane->loop);
	if (admit(lane, job))
		return true;
	counter_add(&lane->options.metrics->rejected, 1);
	return false;
}

bool
lane_withdraw(struct lane_job *job)
{
	struct lane *lane = job->lane;

	if (!job->queued)
		return false;
	job_queue_remove(&lane->queue, job);
	counter_add(&lane->options.metrics->rejected, 1);
	return true;
}

bool
lane_is_up(const struct lane *lane)
{
	for (int i = 0; i < lane->options.connections; i++)
		if (db_is_up(lane->connections[i]))
			return true;
	return false;
}

size_t
lane_load(const struct lane *lane)
{
	size_t		load = lane->queue.count;

	for (int i = 0; i < lane->options.connections; i++)
		load += db_in_flight(lane->connections[i]);
	return load;
}

const struct lane_job *
lane_first(const struct lane *lane)
{
	return lane->queue.first;
}

void
lane_pass_on(struct lane *lane, struct lane *to)
{
	hand_over(to, job_queue_take(&lane->queue));
}
