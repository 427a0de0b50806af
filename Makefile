# Postern: Outlook service for self-hosted mail, as native Apache httpd modules.
#
#   make              build the modules and smtp-submit
#   make deps         install the Debian packages that building and testing need
#   make check        build and run every test (as root: with real servers)
#   make demo         start everything on loopback and show it; Ctrl-C ends it
#                     (DEMO_ONCE=1: end at once, DEMO_PORT=8443, DEMO_SAMBA=no)
#   make interop      run third-party clients too heavy for check, and the fault
#                     test of mod_rpcproxy with all of its cycles
#   make bench        measure beside references (ROWS='rpc.*' for some rows)
#   make lint         house rules, static analysis
#   make asan         the whole suite under ASan and UBSan
#   make valgrind     the pure tests under valgrind
#   make fuzz         every fuzzer for FUZZ_SECONDS (60) each, or for FUZZ_RUNS
#                     executions (FUZZERS='pdu vconn' FUZZ_RUNS=10000000)
#   make install      into DESTDIR; a2enmod then finds the modules
#   make uninstall clean help
#
# Variables: CC CFLAGS LDFLAGS APXS DESTDIR prefix bindir libdir mandir docdir
#            includedir solibdir (libsmtpsubmit) unitdir (systemd)
#            B (build folder), JOBS (tests at once), V=1 (show commands)
#            WERROR=1 (warnings are errors) TESTS (what check runs)

prefix  ?= /usr/local
bindir  ?= $(prefix)/bin
libdir  ?= $(prefix)/lib/postern
mandir  ?= $(prefix)/share/man
includedir ?= $(prefix)/include
solibdir ?= $(prefix)/lib
docdir  ?= $(prefix)/share/doc/postern
unitdir ?= $(prefix)/lib/systemd/system
APXS    ?= apxs
CC      ?= cc
B       ?= build
TESTS   ?=
JOBS    ?= 2
FUZZ_SECONDS ?= 60
# So many executions of each fuzzer instead, however long they take.
FUZZ_RUNS ?=

# Scripts read what make prints.
MAKEFLAGS += --no-print-directory

# The sections of deps.txt that each goal needs.
SECTIONS_demo := server $(if $(filter no,$(DEMO_SAMBA)),,samba)
SECTIONS_check := server samba check
SECTIONS_interop := $(SECTIONS_check) interop
SECTIONS_bench := $(SECTIONS_check) bench
SECTIONS_lint := $(SECTIONS_check) lint
SECTIONS_asan := $(SECTIONS_check)
SECTIONS_valgrind := $(SECTIONS_check)
SECTIONS_fuzz := $(SECTIONS_lint)
SECTIONS_deps := server samba check lint
SECTIONS := build $(sort $(foreach goal,$(MAKECMDGOALS),$(SECTIONS_$(goal))))
READY := $(shell t/deps.sh --check $(SECTIONS) && echo yes)

ifeq ($(READY),)
# On a bare machine: what shows or proves something installs first and starts
# over; what only builds says what to do.
GOALS_THAT_INSTALL := check demo interop bench lint asan valgrind fuzz
.PHONY: $(GOALS_THAT_INSTALL) all modules units install
$(GOALS_THAT_INSTALL):
	$(if $(AFTER_DEPS),$(error packages are still missing after t/deps.sh $(SECTIONS)))
	t/deps.sh $(SECTIONS)
	$(MAKE) AFTER_DEPS=1 $@
all modules units install:
	@echo "Packages are missing. As root: make deps" >&2; exit 1
else

libexecdir := $(shell $(APXS) -q LIBEXECDIR | tr -d ';')
sysconfdir := $(shell $(APXS) -q SYSCONFDIR | tr -d ';')
# As system headers: clang complains about macros of APR's otherwise.
as_system = $(filter-out -isystem/usr/include,$(patsubst -I%,-isystem%,$(1)))
HTTPD_CPPFLAGS := -isystem$(shell $(APXS) -q INCLUDEDIR | tr -d ';')
APR_CPPFLAGS := $(call as_system,$(shell apr-1-config --cppflags --includes) $(shell apu-1-config --includes))
APR_LIBS := $(shell apr-1-config --link-ld) $(shell apu-1-config --link-ld)
XML_CPPFLAGS := $(shell pkg-config --cflags libxml-2.0)
XML_LIBS := $(shell pkg-config --libs libxml-2.0)
CURL_LIBS := $(shell pkg-config --libs libcurl)
ICAL_LIBS := $(shell pkg-config --libs libical)
LDAP_LIBS := -lldap -llber
SSL_LIBS := $(shell pkg-config --libs libssl libcrypto)
JSON_LIBS := $(shell pkg-config --libs jansson)

CFLAGS  ?= -O2 -g
WARN    := -std=gnu11 -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wpointer-arith -Wformat=2
WARN    += $(if $(WERROR),-Werror)
ALL_CPPFLAGS = -I. $(APR_CPPFLAGS) $(HTTPD_CPPFLAGS) $(XML_CPPFLAGS) $(CPPFLAGS)
ALL_CFLAGS = $(WARN) -fPIC -fno-strict-aliasing $(CFLAGS) $(SANITIZE)
# V=1 shows the commands whole.
Q := $(if $(V),,@)
COMPILE = $(CC) $(ALL_CPPFLAGS) $(ALL_CFLAGS) -MMD -MP -c

# Rooms that become modules: mod_NAME/mod_*.c is glue, the rest is pure and
# goes into an archive that tests and fuzzers link as well.
MODULES := mailbox auth_ntlm autodiscover rpcproxy freebusy
MODULE_LIBS_mailbox = $(LDAP_LIBS)
MODULE_LIBS_auth_ntlm =
MODULE_LIBS_autodiscover = $(XML_LIBS) $(SSL_LIBS) $(JSON_LIBS)
MODULE_LIBS_rpcproxy =
MODULE_LIBS_freebusy = $(XML_LIBS) $(CURL_LIBS) $(ICAL_LIBS) $(SSL_LIBS)
# Everything a unit test or fuzzer may need.
TEST_LIBS = $(XML_LIBS) $(CURL_LIBS) $(ICAL_LIBS) $(LDAP_LIBS) $(SSL_LIBS) $(JSON_LIBS) $(APR_LIBS) -lresolv

obj = $(patsubst %.c,$(B)/%.o,$(1))
glue_of = $(wildcard mod_$(1)/mod_*.c)
# What is neither glue nor the main file of a program.
pure_of = $(filter-out mod_$(1)/mod_% %_main.c,$(wildcard mod_$(1)/*.c))

LIB := $(B)/libpostern.a
GLUE := $(B)/libglue.a
MODULE_SOS := $(MODULES:%=$(B)/modules/mod_%.so)
PURE_ARCHIVES := $(foreach m,$(MODULES),$(if $(call pure_of,$(m)),$(B)/mod_$(m)/pure.a))
# smtp-submit/*_main.c are programs, each linked with the room's archive.
SUBMIT_PURE := $(filter-out %main.c,$(wildcard smtp-submit/*.c))
SUBMIT_ARCHIVE := $(if $(SUBMIT_PURE),$(B)/smtp-submit/pure.a)
PROGRAMS := $(B)/bin/smtp-submit $(B)/bin/autodiscover-check
LIB_PROGRAMS := $(B)/bin/smtp-submit-runner
# smtp-submit's queue for other programs; only smtpsubmit_* is seen outside.
SOLIB := $(B)/lib/libsmtpsubmit.so

UNIT := $(patsubst %.c,$(B)/%.t,$(wildcard t/unit/*/*.c))
FUZZERS := $(filter-out standalone,$(patsubst t/fuzz/%.c,%,$(wildcard t/fuzz/*.c)))
REPLAYS := $(FUZZERS:%=$(B)/t/fuzz/%.t)
BENCHES := $(addprefix $(B)/bench/,rpc_load rpc_server http_load spawn)

.PHONY: all check recheck demo interop bench lint asan valgrind fuzz install uninstall modules units replays fuzzers benches cppflags force
.SECONDARY:

all: modules $(PROGRAMS) $(LIB_PROGRAMS) $(SOLIB)
modules: $(MODULE_SOS)
units: $(UNIT)
replays: $(REPLAYS)
fuzzers: $(FUZZERS:%=$(B)/fuzz/%)
benches: $(BENCHES)

# Objects depend on how they are compiled: another compiler or other flags in
# the same build folder make them anew.
HOW = $(CC) $(ALL_CPPFLAGS) $(filter-out -Werror,$(ALL_CFLAGS)) $(LDFLAGS)
$(B)/flags: force
	@mkdir -p $(@D)
	@printf '%s\n' '$(subst ','\'',$(HOW))' | cmp -s - $@ || printf '%s\n' '$(subst ','\'',$(HOW))' > $@

$(B)/%.o: %.c $(B)/flags
	@mkdir -p $(@D)
	$(if $(V),,@echo "  CC   $<")
	$(Q)$(COMPILE) -o $@ $<

$(LIB): $(call obj,$(wildcard lib/*.c))
$(GLUE): $(call obj,$(wildcard glue/*.c))
$(SUBMIT_ARCHIVE): $(call obj,$(SUBMIT_PURE))
$(LIB) $(GLUE) $(SUBMIT_ARCHIVE):
	@rm -f $@
	$(Q)$(AR) rcs $@ $^

# Only the module record is exported: two modules may hold functions of one
# name, and httpd loads them into one name space.  The old file goes first: an
# httpd that runs keeps what it has mapped.
define module_rules
$(B)/mod_$(1)/pure.a: $(call obj,$(call pure_of,$(1)))
	@mkdir -p $$(@D) && rm -f $$@
	$$(Q)$(AR) rcs $$@ $$^
$(B)/mod_$(1)/exports.map:
	@mkdir -p $$(@D)
	$$(Q)printf '{ global: $(1)_module; local: *; };\n' > $$@
$(B)/modules/mod_$(1).so: $(call obj,$(call glue_of,$(1))) $(B)/mod_$(1)/pure.a $(GLUE) $(LIB) $(B)/mod_$(1)/exports.map
	@mkdir -p $$(@D) && rm -f $$@
	$$(if $$(V),,@echo "  LINK $$@")
	$$(Q)$(CC) -shared $(CFLAGS) $(SANITIZE) $(LDFLAGS) -Wl,--version-script=$(B)/mod_$(1)/exports.map -Wl,--no-undefined-version \
	  -o $$@ $$(filter %.o %.a,$$^) $$(MODULE_LIBS_$(1))
endef
$(foreach m,$(MODULES),$(eval $(call module_rules,$(m))))

$(B)/t/unit/%.t: $(B)/t/unit/%.o $(PURE_ARCHIVES) $(SUBMIT_ARCHIVE) $(LIB)
	@mkdir -p $(@D)
	$(if $(V),,@echo "  LINK $@")
	$(Q)$(CC) $(CFLAGS) $(SANITIZE) $(LDFLAGS) -o $@ $< -Wl,--start-group $(PURE_ARCHIVES) $(SUBMIT_ARCHIVE) $(LIB) -Wl,--end-group $(TEST_LIBS)

$(B)/bin/smtp-submit: $(B)/smtp-submit/main.o $(SUBMIT_ARCHIVE) $(LIB)
$(B)/bin/smtp-submit-runner: $(B)/smtp-submit/runner_main.o $(SUBMIT_ARCHIVE) $(LIB)
# Only the runner knows network and secrets: libcurl costs 5 ms to load.
$(B)/bin/smtp-submit-runner: SUBMIT_LIBS = $(CURL_LIBS) $(SSL_LIBS)
# Of APR-util they need SHA-1 and Base64: taken from its archive, where there is
# one, these save loading it, expat and crypt for each mail.
APR_UTIL_ARCHIVE := $(filter /%,$(shell $(CC) -print-file-name=libaprutil-1.a))
SUBMIT_APR_LIBS := $(if $(APR_UTIL_ARCHIVE),$(patsubst -laprutil-1,$(APR_UTIL_ARCHIVE),$(APR_LIBS)),$(APR_LIBS))
$(B)/bin/smtp-submit $(B)/bin/smtp-submit-runner:
	@mkdir -p $(@D)
	$(if $(V),,@echo "  LINK $@")
	$(Q)$(CC) $(CFLAGS) $(SANITIZE) $(LDFLAGS) -o $@ $^ $(SUBMIT_LIBS) $(SUBMIT_APR_LIBS)

$(SOLIB): $(B)/smtp-submit/smtpsubmit.o $(SUBMIT_ARCHIVE) $(LIB)
	@mkdir -p $(@D) && rm -f $@ $@.0
	$(if $(V),,@echo "  LINK $@")
	$(Q)printf '{ global: smtpsubmit_*; local: *; };\n' > $(@D)/exports.map
	$(Q)$(CC) -shared $(CFLAGS) $(SANITIZE) $(LDFLAGS) -Wl,-soname,$(@F).0 -Wl,--version-script=$(@D)/exports.map -o $@.0 $^ $(APR_LIBS)
	$(Q)ln -s $(@F).0 $@

$(B)/bin/autodiscover-check: $(B)/mod_autodiscover/check_main.o $(B)/mod_autodiscover/pure.a $(LIB)
	@mkdir -p $(@D)
	$(if $(V),,@echo "  LINK $@")
	$(Q)$(CC) $(CFLAGS) $(SANITIZE) $(LDFLAGS) -o $@ $^ $(XML_LIBS) $(CURL_LIBS) $(SSL_LIBS) $(JSON_LIBS) $(APR_LIBS) -lresolv

# --- tests ---

# Everything but t/interop, on top of one summary line of prove.
TEST_FILES = $(or $(TESTS),$(shell find t $(B)/t -name '*.t' -not -path 't/interop/*' | sort))

check: all units replays
	@POSTERN_BUILD=$(B) prove -j$(JOBS) --state=save $(TEST_FILES)

# What failed in the last check, one file after the other: tells a fault from a
# machine that was too busy.
recheck: all units replays
	@POSTERN_BUILD=$(B) prove --state=failed,save

# The fuzzer's corpus, replayed by an ordinary program that prints TAP.
$(B)/t/fuzz/%.t: $(B)/t/fuzz/%.o $(B)/t/fuzz/standalone.o $(PURE_ARCHIVES) $(SUBMIT_ARCHIVE) $(LIB)
	$(if $(V),,@echo "  LINK $@")
	$(Q)$(CC) $(CFLAGS) $(SANITIZE) $(LDFLAGS) -o $@ $(filter %.o,$^) -Wl,--start-group $(filter %.a,$^) -Wl,--end-group $(TEST_LIBS)

# httpd itself is not built with the sanitizers, so T::Httpd preloads their run
# time; libstdc++ comes along because libical brings C++ in later.
asan: SANITIZER_LIBS := $(foreach l,libasan.so libubsan.so libstdc++.so.6,$(shell gcc -print-file-name=$(l)))
# use_sigaltstack=0: gcc 12's ASan takes the alternate signal stack of a thread
# that ends for a stack variable out of scope.
asan:
	POSTERN_PRELOAD='$(SANITIZER_LIBS)' ASAN_OPTIONS=use_sigaltstack=0 \
	UBSAN_OPTIONS=print_stacktrace=1:halt_on_error=1 \
	$(MAKE) B=build/asan CC=gcc CFLAGS='-O1 -g -fno-omit-frame-pointer' \
	  SANITIZE=-fsanitize=address,undefined $(or $(ASAN_GOAL),check)

valgrind: units
	POSTERN_BUILD=$(B) POSTERN_SLOWER=20 prove -j$(JOBS) -e 'valgrind -q --error-exitcode=99 --leak-check=full --errors-for-leak-kinds=definite --suppressions=t/valgrind.supp' $(UNIT)

# --- fuzzing: clang, libFuzzer; FUZZERS='pdu xml' for some ---

FUZZ_BUILD ?= build/fuzz
FUZZ_MAKE = $(MAKE) B=$(FUZZ_BUILD) CC=clang CFLAGS='-O1 -g -fno-omit-frame-pointer' \
  SANITIZE='-fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=undefined'

fuzz:
	$(FUZZ_MAKE) fuzzers
	$(FUZZ_MAKE) -k -j$(JOBS) $(FUZZERS:%=fuzz-%)

$(B)/fuzz/%: $(B)/t/fuzz/%.o $(PURE_ARCHIVES) $(SUBMIT_ARCHIVE) $(LIB)
	@mkdir -p $(@D)
	$(if $(V),,@echo "  LINK $@")
	$(Q)$(CC) $(CFLAGS) -fsanitize=fuzzer,address,undefined $(LDFLAGS) -o $@ $< -Wl,--start-group $(filter %.a,$^) -Wl,--end-group $(TEST_LIBS)

fuzz-%: $(B)/fuzz/%
	@mkdir -p $(B)/corpus/$*
	@$(B)/fuzz/$* $(if $(FUZZ_RUNS),-runs=$(FUZZ_RUNS),-max_total_time=$(FUZZ_SECONDS)) -timeout=10 -rss_limit_mb=2048 -print_final_stats=1 \
	  -artifact_prefix=$(B)/$*- $(B)/corpus/$* t/fuzz/corpus/$* > $(B)/$*.log 2>&1 \
	  && echo "  FUZZ $*: $$(sed -n 's/^stat::number_of_executed_units: *//p' $(B)/$*.log) executions, no finding" \
	  || { tail -40 $(B)/$*.log; echo "  FUZZ $*: FINDING, see $(B)/$*.log"; exit 1; }

# --- house rules and static analysis ---

ANALYZED = $(wildcard $(foreach d,lib glue $(MODULES:%=mod_%) smtp-submit,$(d)/*.c))

lint: all
	POSTERN_BUILD=$(B) prove -j$(JOBS) -r t/lint
	@echo "  TIDY $(words $(ANALYZED)) files"
	@printf '%s\n' $(ANALYZED) | xargs -P$(JOBS) -n4 sh -c 'clang-tidy --quiet "$$@" -- $(ALL_CPPFLAGS) -std=gnu11 2>/dev/null' tidy

# --- showing ---

demo: all
	@POSTERN_BUILD=$(B) perl demo/demo.pl

interop: all
	POSTERN_BUILD=$(B) LONG=1 prove -r t/interop t/rpcproxy/faults.t

# For scripts that compile: the include paths.
cppflags:
	@echo $(ALL_CPPFLAGS)

# --- measuring ---

bench: all benches
	ulimit -n $$(ulimit -Hn); POSTERN_BUILD=$(B) bench/run $(if $(ROWS),'$(ROWS)')

BENCH_SHARED := $(B)/bench/load.o $(B)/bench/rpc_tunnel.o
$(BENCHES): $(B)/bench/%: $(B)/bench/%.o $(BENCH_SHARED) $(LIB)
	$(if $(V),,@echo "  LINK $@")
	$(Q)$(CC) $(CFLAGS) $(SANITIZE) $(LDFLAGS) -o $@ $^ $(SSL_LIBS) $(TEST_LIBS) -lpthread

# --- installing ---

MODS_AVAILABLE = $(DESTDIR)$(sysconfdir)/mods-available
UNITS := $(wildcard conf/*.service conf/*.path conf/*.timer)

# A .conf that the administrator changed is kept; ours then lies beside it.
install: all
	install -d $(DESTDIR)$(libexecdir) $(MODS_AVAILABLE) $(DESTDIR)$(bindir) $(DESTDIR)$(libdir)
	install -d $(addprefix $(DESTDIR)$(mandir)/man,1 3 5) $(addprefix $(DESTDIR),$(solibdir) $(includedir) $(docdir) $(unitdir))
	install -m 644 $(MODULE_SOS) $(DESTDIR)$(libexecdir)
	@for f in conf/*.load; do \
	  sed 's|/usr/lib/apache2/modules|$(libexecdir)|' $$f > $(MODS_AVAILABLE)/$${f#conf/} || exit 1; done
	@for f in conf/*.conf; do to=$(MODS_AVAILABLE)/$${f#conf/}; \
	  if [ -e $$to ] && ! cmp -s $$f $$to; then to=$$to.new; echo "  KEEP $${to%.new}; see $$to"; fi; \
	  install -m 644 $$f $$to || exit 1; done
	install -m 644 $(wildcard mod_*/mod_*.5) $(DESTDIR)$(mandir)/man5
	install -m 755 $(PROGRAMS) $(DESTDIR)$(bindir)
	install -m 755 $(LIB_PROGRAMS) $(DESTDIR)$(libdir)
	install -m 644 $(wildcard smtp-submit/*.1 mod_*/*.1) $(DESTDIR)$(mandir)/man1
	install -m 644 $(wildcard smtp-submit/*.3) $(DESTDIR)$(mandir)/man3
	install -m 644 $(SOLIB).0 $(DESTDIR)$(solibdir)
	ln -sf $(notdir $(SOLIB)).0 $(DESTDIR)$(solibdir)/$(notdir $(SOLIB))
	install -m 644 smtp-submit/smtpsubmit.h $(DESTDIR)$(includedir)
	install -m 644 conf/smtp-submit.conf.example $(DESTDIR)$(docdir)
	@for f in $(UNITS); do sed 's|/usr/local/bin/|$(bindir)/|' $$f > $(DESTDIR)$(unitdir)/$${f#conf/} || exit 1; done

uninstall:
	rm -f $(MODULES:%=$(DESTDIR)$(libexecdir)/mod_%.so) $(patsubst conf/%,$(MODS_AVAILABLE)/%,$(wildcard conf/*.load))
	@for f in conf/*.conf; do to=$(MODS_AVAILABLE)/$${f#conf/}; rm -f $$to.new; \
	  if [ -e $$to ] && ! cmp -s $$f $$to; then echo "  KEEP $$to (changed)"; else rm -f $$to; fi; done
	rm -f $(patsubst %,$(DESTDIR)$(mandir)/man5/%,$(notdir $(wildcard mod_*/mod_*.5)))
	rm -f $(patsubst %,$(DESTDIR)$(bindir)/%,$(notdir $(PROGRAMS))) $(patsubst %,$(DESTDIR)$(libdir)/%,$(notdir $(LIB_PROGRAMS)))
	rm -f $(patsubst %,$(DESTDIR)$(mandir)/man1/%,$(notdir $(wildcard smtp-submit/*.1 mod_*/*.1)))
	rm -f $(patsubst %,$(DESTDIR)$(mandir)/man3/%,$(notdir $(wildcard smtp-submit/*.3)))
	rm -f $(DESTDIR)$(solibdir)/$(notdir $(SOLIB)) $(DESTDIR)$(solibdir)/$(notdir $(SOLIB)).0 $(DESTDIR)$(includedir)/smtpsubmit.h
	rm -f $(DESTDIR)$(docdir)/smtp-submit.conf.example $(patsubst conf/%,$(DESTDIR)$(unitdir)/%,$(UNITS))

-include $(wildcard $(addprefix $(B)/,$(addsuffix /*.d,lib glue mod_* smtp-submit bench t/fuzz t/unit/*)))

endif

.PHONY: deps clean help

deps:
	t/deps.sh $(SECTIONS)

help:
	@sed -n '2,/^$$/s/^# \{0,1\}//p' Makefile

clean:
	rm -rf $(B)
