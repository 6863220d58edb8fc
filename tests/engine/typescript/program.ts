// A platform and a job for each topic, by the typed classes of the component package. The Automation API runs this
// program without a language host: node program.js <up|preview|destroy> '{"topics": [...], ...}'
import * as pulumi from "@pulumi/pulumi";
import * as automation from "@pulumi/pulumi/automation";
import * as flink from "./sdk/index.js";

interface Settings {
    platform: flink.FlinkPlatformArgs;
    topics: string[];
    spec: { [field: string]: unknown };
}

const [operation, text] = process.argv.slice(2);
const settings: Settings = JSON.parse(text);

async function program(): Promise<Record<string, pulumi.Output<string | undefined>>> {
    const platform = new flink.FlinkPlatform("texts", settings.platform);
    const addresses: Record<string, pulumi.Output<string | undefined>> = {};
    for (const topic of settings.topics) {
        const job = new flink.FlinkJob(
            topic,
            {
                platform: settings.platform,
                waitForJobs: false,
                manifest: {
                    apiVersion: "flink.apache.org/v1beta1",
                    kind: "FlinkDeployment",
                    metadata: { name: topic },
                    spec: settings.spec,
                },
                // The name of the namespace is an output of the platform.
                settings: { parallelism: 2, parameters: { topic: pulumi.interpolate`${platform.namespaces[0]}-${topic}` } },
            },
            { dependsOn: [platform] },
        );
        addresses[topic] = job.restAddress;
    }
    return addresses;
}

async function main(): Promise<void> {
    const stack = await automation.LocalWorkspace.createOrSelectStack(
        { stackName: "dev", projectName: "texts", program },
        { workDir: process.cwd() },
    );
    const onOutput = (line: string): void => void process.stdout.write(line);
    if (operation === "up") {
        await stack.up({ onOutput });
    } else if (operation === "preview") {
        await stack.preview({ onOutput, expectNoChanges: true });
    } else {
        await stack.destroy({ onOutput, runProgram: true });
    }
}

main().catch((error: unknown) => {
    console.error(String(error));
    process.exitCode = 1;
});
