/*
 * sender.c - looks when it was notified, when something was sent, when the next thing is due, and at
 * times all the same, for writers with timetrackr.notify = off.
 */
#include "sender.h"

#include <stdlib.h>
#include <string.h>

#include "delivery.h"
#include "log.h"
#include "mailer.h"

/* All in ms. */
#define LOOK_LEAST 500			/* what is due but locked, or was refused, is looked at again */
#define LOOK_MOST 10000
#define TIDY_INTERVAL 60000
#define TIDY_SOON 1000
#define SILENCE_LIMIT 60000

struct sender
{
	struct loop *loop;
	struct db  *db;
	struct deliveries *deliveries;
	struct mailer *mailer;		/* NULL: no mails are sent */
	bool		leads;
	bool		begun;			/* what an earlier sender left is due again */
	bool		beginning;
	bool		waiting;		/* it is asked when to look next */
	bool		tidying;
	bool		again;			/* look once more when that is answered */
	uint64_t	tidy_at;
	struct loop_timer timer;
	struct db_query listen;
	struct db_query begin;
	struct db_query wait;
	struct db_query tidy;
	const char *values[1];
};

static void look(void *arg);

static const char *const session_settings[] = {
	"tcp_keepalives_idle", "10",
	"tcp_keepalives_interval", "5",
	"tcp_keepalives_count", "3",
	/* what somebody else has locked for long is tried again */
	"lock_timeout", "5000",
	"statement_timeout", "25000",
	NULL
};

/* Send a statement without values or with those of the sender. */
static bool
ask(struct sender *sender, struct db_query *query, const char *sql, int value_count,
	void (*done) (struct db_query *query, struct db_result *result))
{
	*query = (struct db_query) {
		.sql = sql, .value_count = value_count, .values = sender->values, .done = done, .arg = sender
	};
	return db_send(sender->db, query);
}

static bool
is_good(const struct db_result *result)
{
	if (db_result_outcome(result) == DB_ERROR)
		log_event(LEVEL_ERROR, "sender_refused", "sqlstate", db_error_sqlstate(result),
				  "error", db_error_message(result), NULL);
	return db_result_outcome(result) == DB_OK;
}

static void
look_in(struct sender *sender, uint64_t delay)
{
	loop_timer_set(sender->loop, &sender->timer, delay, look, sender);
}

static void
listening(struct db_query *query, struct db_result *result)
{
	(void) query;
	(void) is_good(result);
}

static void
begun(struct db_query *query, struct db_result *result)
{
	struct sender *sender = query->arg;

	sender->beginning = false;
	if (is_good(result))
		sender->begun = true;
	look_in(sender, sender->begun ? 0 : LOOK_MOST);
}

static void
tidied(struct db_query *query, struct db_result *result)
{
	struct sender *sender = query->arg;
	bool		more = is_good(result) && strcmp(db_result_value(result, 0, 0), "t") == 0;

	sender->tidying = false;
	sender->tidy_at = loop_now(sender->loop) + (more ? TIDY_SOON : TIDY_INTERVAL);
}

/* How long there is nothing to do. */
static void
waited(struct db_query *query, struct db_result *result)
{
	struct sender *sender = query->arg;
	const char *value = is_good(result) && db_result_rows(result) == 1 ? db_result_value(result, 0, 0) : NULL;
	long long	wait = value != NULL ? strtoll(value, NULL, 10) : LOOK_MOST;

	sender->waiting = false;
	if (sender->again)
		wait = 0;
	else if (wait < LOOK_LEAST)
		wait = LOOK_LEAST;
	sender->again = false;
	look_in(sender, (uint64_t) (wait < LOOK_MOST ? wait : LOOK_MOST));
}

/* A new leader takes over what its predecessor left; after an interruption what it has itself under way goes on. */
static bool
is_ready(struct sender *sender)
{
	bool		is_idle = deliveries_are_idle(sender->deliveries) &&
		(sender->mailer == NULL || mailer_is_idle(sender->mailer));

	if (!sender->leads || !db_is_up(sender->db) || sender->beginning)
		return false;
	if (!sender->begun && is_idle)
	{
		sender->beginning = ask(sender, &sender->begin, "SELECT timetrackr.begin_outbound()", 0, begun);
		return false;
	}
	sender->begun = true;
	return true;
}

/* Send what is due, and ask when to come again. */
static void
look(void *arg)
{
	struct sender *sender = arg;

	if (!is_ready(sender))
		return;
	if (sender->waiting)
	{
		sender->again = true;
		return;
	}
	deliveries_claim(sender->deliveries);
	if (sender->mailer != NULL)
		mailer_claim(sender->mailer);
	if (!sender->tidying && loop_now(sender->loop) >= sender->tidy_at)
		sender->tidying = ask(sender, &sender->tidy, "SELECT timetrackr.tidy_outbound()", 0, tidied);
	sender->values[0] = sender->mailer != NULL ? "true" : "false";
	sender->waiting = ask(sender, &sender->wait, "SELECT timetrackr.outbound_wait($1::boolean)", 1, waited);
}

static void
notified(void *arg, const char *channel, const char *payload)
{
	(void) channel;
	(void) payload;
	look(arg);
}

static void
database_up(void *arg)
{
	struct sender *sender = arg;

	if (ask(sender, &sender->listen, "LISTEN timetrackr_outbound", 0, listening))
		look(sender);
}

static void
database_down(void *arg, const char *why)
{
	(void) arg;
	(void) why;
}

struct sender *
sender_open(struct loop *loop, const struct config *config, const char *url, struct relay_metrics *metrics)
{
	struct sender *sender = calloc(1, sizeof *sender);
	struct db_options db_options = {
		.url = url, .name = "timetrackr sender", .settings = session_settings,
		.silence_limit = SILENCE_LIMIT, .up = database_up, .down = database_down,
		.notified = notified, .arg = sender
	};

	if (sender == NULL)
		return NULL;
	sender->loop = loop;
	sender->db = db_open(loop, &db_options);
	if (sender->db != NULL)
		sender->deliveries = deliveries_open(loop, &(struct delivery_options) {
			.db = sender->db, .allow_private = config->webhooks_allow_private, .metrics = metrics,
			.changed = look, .arg = sender
		});
	if (sender->deliveries != NULL && config->mail.server != NULL)
		sender->mailer = mailer_open(loop, &(struct mailer_options) {
			.db = sender->db, .config = &config->mail, .metrics = metrics, .changed = look, .arg = sender
		});
	if (sender->deliveries != NULL && (config->mail.server == NULL || sender->mailer != NULL))
		return sender;
	sender_close(sender);
	return NULL;
}

void
sender_lead(struct sender *sender, bool leads)
{
	if (!leads || !sender->leads)
		sender->begun = false;
	sender->leads = leads;
	if (leads)
		look(sender);
	else
		loop_timer_stop(sender->loop, &sender->timer);
}

void
sender_close(struct sender *sender)
{
	if (sender == NULL)
		return;
	sender->leads = false;
	loop_timer_stop(sender->loop, &sender->timer);
	/* queries that are under way end first: they belong to slots of these two */
	db_close(sender->db);
	loop_timer_stop(sender->loop, &sender->timer);
	deliveries_close(sender->deliveries);
	mailer_close(sender->mailer);
	free(sender);
}
