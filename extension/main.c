/*
 * main.c: the module's magic block and its settings. One row of comment per
 * setting says what it is for; the rules themselves live with their concepts.
 */
#include "timetrackr.h"

#include "badge_list.h"
#include "home.h"
#include "home_plan.h"
#include "layout.h"
#include "lock.h"
#include "membership.h"
#include "priority.h"
#include "utils/guc.h"
#include "wake.h"

TT_MODULE_MAGIC;

int			tt_running_timer = RUNNING_TIMER_SWITCH;
int			tt_overlap = OVERLAP_REJECT;
int			tt_notify = NOTIFY_AUTO;
int			tt_max_entry_seconds = 86400;
int			tt_streak_min_seconds = 900;
int			tt_bcrypt_cost = 10;
int			tt_login_attempts = 10;
int			tt_nice = 0;

/* For the policies of enable_rls(), which read it by current_setting(). */
char	   *tt_session_user_id = "";

static const struct config_enum_entry running_timer_options[] = {
	{"switch", RUNNING_TIMER_SWITCH, false},
	{"reject", RUNNING_TIMER_REJECT, false},
	{NULL, 0, false}
};

static const struct config_enum_entry overlap_options[] = {
	{"reject", OVERLAP_REJECT, false},
	{"allow", OVERLAP_ALLOW, false},
	{NULL, 0, false}
};

static const struct config_enum_entry notify_options[] = {
	{"auto", NOTIFY_AUTO, false},
	{"always", NOTIFY_ALWAYS, false},
	{"off", NOTIFY_OFF, false},
	{NULL, 0, false}
};

void		_PG_init(void);

/*
 * Nobody, or 1 to 18 digits: what the policies take for a user's id. They look
 * for themselves, since until this module is loaded any text can be set.
 */
static bool
check_user_id(char **newval, void **extra, GucSource source)
{
	size_t		length = strlen(*newval);

	if (length <= 18 && strspn(*newval, "0123456789") == length)
		return true;
	GUC_check_errdetail("It must be the id of a user, or empty.");
	return false;
}

/* All but nice and user_id are PGC_SUSET: a writer must not loosen the rules for itself. */
void
_PG_init(void)
{
	/* What start_entry() does while another timer runs. */
	DefineCustomEnumVariable("timetrackr.running_timer",
							 "What starting a timer does while another one runs.",
							 "switch ends the running one at the new start; reject refuses.",
							 &tt_running_timer, RUNNING_TIMER_SWITCH, running_timer_options,
							 PGC_SUSET, 0, NULL, NULL, NULL);
	/* Whether a user's entries may overlap each other. */
	DefineCustomEnumVariable("timetrackr.overlap",
							 "Whether entries of one user may overlap.", NULL,
							 &tt_overlap, OVERLAP_REJECT, overlap_options,
							 PGC_SUSET, 0, NULL, NULL, NULL);
	/* When a writer sends NOTIFY timetrackr_wake; see wake.c. */
	DefineCustomEnumVariable("timetrackr.notify",
							 "When a write transaction wakes the relay.",
							 "auto notifies only while the relay sleeps.",
							 &tt_notify, NOTIFY_AUTO, notify_options,
							 PGC_SUSET, 0, NULL, NULL, NULL);
	/* Longer entries are flagged: kept whole, but counting nothing. */
	DefineCustomIntVariable("timetrackr.max_entry",
							"Length above which an entry is flagged and counts nothing.", NULL,
							&tt_max_entry_seconds, 86400, 60, 366 * 86400,
							PGC_SUSET, GUC_UNIT_S, NULL, NULL, NULL);
	/* Changing it for existing data needs timetrackr.rebuild(). */
	DefineCustomIntVariable("timetrackr.streak_min",
							"Time that makes a day count for a streak.", NULL,
							&tt_streak_min_seconds, 900, 1, 86400,
							PGC_SUSET, GUC_UNIT_S, NULL, NULL, NULL);
	/* Work factor of new password hashes; old ones keep theirs. */
	DefineCustomIntVariable("timetrackr.bcrypt_cost",
							"Cost of new bcrypt password hashes (log2 of rounds).", NULL,
							&tt_bcrypt_cost, 10, 4, 16,
							PGC_SUSET, 0, NULL, NULL, NULL);
	/* See throttle.c, which bounds an account and a place by multiples of it. */
	DefineCustomIntVariable("timetrackr.login_attempts",
							"Wrong passwords that one address may try with one account at once.",
							"One is forgotten each minute. 0: passwords may be guessed without end.",
							&tt_login_attempts, 10, 0, 1000000,
							PGC_SUSET, 0, NULL, NULL, NULL);
	/* Set by the proxy where passwords are hashed; see priority.c. */
	DefineCustomIntVariable("timetrackr.nice",
							"How far this session stands back when others want the processor.",
							"As of nice(1). It can be raised only: RESET does not undo it.",
							&tt_nice, 0, 0, 19,
							PGC_USERSET, 0, NULL, tt_priority_assign, NULL);
	/* Set by an application for each of its users; see docs/row-security.md. */
	DefineCustomStringVariable("timetrackr.user_id",
							   "The user that row-level security takes the session for.",
							   "It matters after timetrackr.enable_rls() only.",
							   &tt_session_user_id, "", PGC_USERSET, 0, check_user_id, NULL, NULL);
	MarkGUCPrefixReserved("timetrackr");

	tt_home_init();
	tt_home_plan_init();
	tt_layout_init();
	tt_lock_init();
	tt_membership_init();
	tt_wake_init();
	tt_badge_list_init();
}
