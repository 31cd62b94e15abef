# bash completion for musterctl(1). tests/completion.sh compares it with the program's own --help.

# The words that may follow a command: its commands, or its options.
_musterctl_words()
{
	local edit="--file --no-publish --help"
	local fields="--displayname --email --uid --gid --sudo --key --shell --home --state"

	case $1 in
	musterctl) echo "status users groups explain ssh-keys sync unlock accept forget adopt doctor setup export directory --help --version" ;;
	"musterctl status") echo "--json --help" ;;
	"musterctl users") echo "--where --columns --json --csv --help" ;;
	"musterctl groups") echo "--json --csv --help" ;;
	"musterctl explain") echo "--service --at --offline --json --help" ;;
	"musterctl doctor") echo "--json --help" ;;
	"musterctl setup") echo "--dry-run --mkhomedir --try --confirm --rollback --uninstall --help" ;;
	"musterctl export") echo "--config --output --system --all --group --accept-removals --json --help" ;;
	"musterctl adopt") echo "--apply --restore --json --help" ;;
	"musterctl sync") echo "--accept-removals --help" ;;
	"musterctl ssh-keys" | "musterctl unlock" | "musterctl accept" | "musterctl forget") echo "--help" ;;
	"musterctl directory")
		echo "add set activate suspend schedule expire unlock passwd mfa delete bind unbind group import export --help" ;;
	"musterctl directory add") echo "$fields $edit" ;;
	"musterctl directory set") echo "$fields --username --no-keys $edit" ;;
	"musterctl directory activate" | "musterctl directory suspend" | "musterctl directory unlock" | \
		"musterctl directory delete") echo "$edit" ;;
	"musterctl directory schedule") echo "--cancel $edit" ;;
	"musterctl directory expire") echo "--at $edit" ;;
	"musterctl directory passwd") echo "--stdin $edit" ;;
	"musterctl directory mfa") echo "--require --exclude --until --enroll --issuer --reset $edit" ;;
	"musterctl directory bind" | "musterctl directory unbind") echo "--system --group $edit" ;;
	"musterctl directory group") echo "add set delete members --help" ;;
	"musterctl directory group add" | "musterctl directory group set") echo "--posix --sudo $edit" ;;
	"musterctl directory group delete") echo "$edit" ;;
	"musterctl directory group members") echo "--add --remove $edit" ;;
	"musterctl directory import") echo "--dry-run $edit" ;;
	"musterctl directory export") echo "--csv --users --with-secrets --file --help" ;;
	esac
}

# The command that the words before the cursor name: "musterctl directory add".
_musterctl_command()
{
	local command=musterctl word

	for word in "${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
		case " $(_musterctl_words "$command") " in
		*" $word "*) [[ $word == -* ]] || command="$command $word" ;;
		esac
	done
	echo "$command"
}

_musterctl()
{
	local command current=${COMP_WORDS[COMP_CWORD]} words

	COMPREPLY=()
	case ${COMP_WORDS[COMP_CWORD - 1]} in
	--file | --key | --config | --output)
		mapfile -t COMPREPLY < <(compgen -f -- "$current")
		return ;;
	--state) words="ACTIVATED STAGED SUSPENDED" ;;
	--service) words="sshd login sudo su cron" ;;
	--try) words="5 10 30" ;;
	--at | --offline | --until | --where | --columns | --issuer | --displayname | --email | --uid | --gid | --shell | --home | --username | --system | \
		--posix) return ;;
	*)
		command=$(_musterctl_command)
		words=$(_musterctl_words "$command")
		case $command in
		"musterctl directory import")
			[[ $current == -* ]] || mapfile -t COMPREPLY < <(compgen -f -- "$current") ;;
		"musterctl explain" | "musterctl ssh-keys" | "musterctl unlock" | "musterctl accept" | \
			"musterctl forget" | "musterctl directory "*)
			[[ $current == -* ]] || words="$words $(musterctl users --csv 2>/dev/null | sed '1d; s/,.*//')" ;;
		esac ;;
	esac
	mapfile -t -O "${#COMPREPLY[@]}" COMPREPLY < <(compgen -W "$words" -- "$current")
}

complete -F _musterctl musterctl
