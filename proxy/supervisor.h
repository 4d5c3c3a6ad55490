/*
 * supervisor.h - what is said to whoever has started the process and watches it, and what is got
 * from him: sd_notify(3) and sd_listen_fds(3), the protocols of systemd and of those that do as
 * it does. Where there is nobody, nothing is said and nothing got.
 */
#ifndef TIMETRACKR_SUPERVISOR_H
#define TIMETRACKR_SUPERVISOR_H

/* It serves; said once. Any thread may call this and what follows. */
void		supervisor_ready(void);

/* It reads files anew, and it has read them. Nothing is said before it is ready. */
void		supervisor_reloading(void);
void		supervisor_reloaded(void);

/* It ends. */
void		supervisor_stopping(void);

/* Ms within which it must be told each time that the process is alive; 0: nobody wants to know. */
long		supervisor_watchdog_ms(void);
void		supervisor_alive(void);

/*
 * Take over the sockets that the process was started with; at most so many, others are closed. Returns their
 * number. To be called once, before anything else is closed.
 */
int			supervisor_take_sockets(int *fds, int most);

/* Have these kept, and nothing that was before: the process that comes after this one is started with them. */
void		supervisor_keep_sockets(const int *fds, int count);

#endif
